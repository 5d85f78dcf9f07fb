/*
 * The payloads of the bench: 1,316 bytes of MPEG-TS shape (seven packets of 188 bytes). All but the stamp at the end
 * is a function of channel and sequence, looked up among a few images, so that checking every byte costs one memcmp.
 * Each is one picture of H.264 by its headers, of which each 50th is a key picture, with PAT and PMT at the end of the
 * payload before it: who enters the stream there is given both, and then the whole payload. The counters of the video go
 * on from payload to payload: sixteen images are as many as seven packets each need to come round. No byte but those of
 * headers is 0, so that nothing looks like a start code that is none.
 */
#pragma once
#include "common.h"

enum {
  TS_BYTES = 188,
  PAYLOAD_BYTES = 7 * TS_BYTES,
  IMAGES = 16,
  ENTRY_EVERY = 50,
  TABLES_BYTES = 2 * TS_BYTES,
  TABLES_AT = PAYLOAD_BYTES - TABLES_BYTES,
  PMT_PID = 0x1000,
  VIDEO_PID = 0x100
};

/* The last bytes of a payload: each number in groups of seven bits, the lowest first, the eighth bit set. */
struct stamp {
  uint64_t channel;
  uint64_t sequence;
  uint64_t sent_ns;
};
enum { NUMBER_BYTES = 10, BODY_BYTES = PAYLOAD_BYTES - 3 * NUMBER_BYTES };

static uint8_t images[IMAGES][PAYLOAD_BYTES];
static uint8_t table_images[IMAGES][PAYLOAD_BYTES];
static uint8_t key_images[IMAGES][PAYLOAD_BYTES];

static inline void ts_header(uint8_t *packet, unsigned pid, int starts_unit, unsigned counter) {
  packet[0] = 0x47;
  packet[1] = (uint8_t)((starts_unit ? 0x40 : 0) | pid >> 8);
  packet[2] = (uint8_t)pid;
  packet[3] = (uint8_t)(0x10 | (counter & 15));
}

/* A packet that holds one PSI section, whose CRC is appended here and whose rest is stuffing. */
static inline void psi_packet(uint8_t *packet, unsigned pid, const uint8_t *section, size_t bytes) {
  memset(packet, 0xff, TS_BYTES);
  ts_header(packet, pid, 1, 0);
  packet[4] = 0;
  memcpy(packet + 5, section, bytes);
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < bytes; i++) {
    crc ^= (uint32_t)section[i] << 24;
    for (int bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? crc << 1 ^ 0x04c11db7 : crc << 1;
  }
  uint32_t wire = htonl(crc);
  memcpy(packet + 5 + bytes, &wire, sizeof wire);
}

static inline void prepare_images(void) {
  /* PES headers without times, then: a slice of a P picture; parameters, and a slice of an IDR picture. */
  static const uint8_t picture[] = {0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, 0, 0, 1, 0x41, 0x9a, 0x84};
  static const uint8_t key_picture[] = {0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, 0, 0, 1, 0x67, 0x64,
                                        0, 31, 0, 0, 1, 0x65, 0x88, 0x84};
  uint32_t noise = 1;
  for (int image = 0; image < IMAGES; image++) {
    for (int i = 0; i < PAYLOAD_BYTES; i++) {
      noise = noise * 1664525 + 1013904223;
      images[image][i] = (uint8_t)(noise >> 24) | 1;
    }
    for (int i = 0; i < 7; i++) ts_header(images[image] + i * TS_BYTES, VIDEO_PID, i == 0, (unsigned)(7 * image + i));
    memcpy(images[image] + 4, picture, sizeof picture);
    memcpy(table_images[image], images[image], PAYLOAD_BYTES);
    memcpy(key_images[image], images[image], PAYLOAD_BYTES);
    memcpy(key_images[image] + 4, key_picture, sizeof key_picture);
  }
  static const uint8_t pat[] = {0x00, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | PMT_PID >> 8, PMT_PID & 0xff};
  static const uint8_t pmt[] = {0x02, 0xb0, 18,   0, 1,    0xc1,           0,                0,   0xe0 | VIDEO_PID >> 8,
                                0,    0xf0, 0, 0x1b, 0xe0 | VIDEO_PID >> 8, VIDEO_PID & 0xff, 0xf0, 0};
  for (int image = 0; image < IMAGES; image++) {
    uint8_t *tables = table_images[image] + TABLES_AT;
    psi_packet(tables, 0, pat, sizeof pat);
    psi_packet(tables + TS_BYTES, PMT_PID, pmt, sizeof pmt);
  }
}

static inline const uint8_t *image_of(uint64_t channel, uint64_t sequence) {
  uint64_t image = (channel * 5 + sequence) % IMAGES, place = sequence % ENTRY_EVERY;
  return (place == 0 ? key_images : place == ENTRY_EVERY - 1 ? table_images : images)[image];
}

static inline void write_number(uint8_t *target, uint64_t number) {
  for (int i = 0; i < NUMBER_BYTES; i++) target[i] = (uint8_t)(0x80 | (number >> 7 * i));
}

static inline uint64_t read_number(const uint8_t *from) {
  uint64_t number = 0;
  for (int i = 0; i < NUMBER_BYTES; i++) number |= (uint64_t)(from[i] & 0x7f) << 7 * i;
  return number;
}

static inline void write_payload(uint8_t *target, struct stamp stamp) {
  memcpy(target, image_of(stamp.channel, stamp.sequence), BODY_BYTES);
  write_number(target + BODY_BYTES, stamp.channel);
  write_number(target + BODY_BYTES + NUMBER_BYTES, stamp.sequence);
  write_number(target + BODY_BYTES + 2 * NUMBER_BYTES, stamp.sent_ns);
}

/* Whether every byte is what the source wrote for this channel; the stamp is taken out in any case. */
static inline int payload_holds(const uint8_t *payload, uint64_t channel, struct stamp *stamp) {
  stamp->channel = read_number(payload + BODY_BYTES);
  stamp->sequence = read_number(payload + BODY_BYTES + NUMBER_BYTES);
  stamp->sent_ns = read_number(payload + BODY_BYTES + 2 * NUMBER_BYTES);
  return stamp->channel == channel && memcmp(payload, image_of(channel, stamp->sequence), BODY_BYTES) == 0;
}

enum { UNIT_HEAD_BYTES = 3 };

/* Whether these are the tables that are given to those who enter, and no payload, which begins with a picture. */
static inline int are_tables(const uint8_t *unit) { return unit[1] == 0x40 && unit[2] == 0; }

/* Whether they are those that the source wrote, but for the stamp of the payload that they came in. */
static inline int tables_hold(const uint8_t *tables) {
  return memcmp(tables, table_images[0] + TABLES_AT, BODY_BYTES - TABLES_AT) == 0;
}
