/*
 * The payloads of the bench: 1,316 bytes of MPEG-TS shape (seven packets of 188 bytes). All but the stamp at the end
 * is a function of channel and sequence, looked up among a few images, so that checking every byte costs one memcmp.
 * Each is one picture of H.264 by its headers; each 50th is an entry point: PAT, PMT and a key picture. The counters of
 * the video go on from payload to payload: sixteen images are as many as seven packets each need to come round.
 */
#pragma once
#include "common.h"

enum {
  TS_BYTES = 188,
  PAYLOAD_BYTES = 7 * TS_BYTES,
  IMAGES = 16,
  ENTRY_EVERY = 50,
  PMT_PID = 0x1000,
  VIDEO_PID = 0x100
};

/* The last bytes of a payload; byte order is the machine's own, since all ends are on it. */
struct stamp {
  uint64_t channel;
  uint64_t sequence;
  uint64_t sent_ns;
};
enum { BODY_BYTES = PAYLOAD_BYTES - sizeof(struct stamp) };

static uint8_t images[IMAGES][PAYLOAD_BYTES];
static uint8_t entry_images[IMAGES][PAYLOAD_BYTES];

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
      images[image][i] = (uint8_t)(noise >> 24);
    }
    for (int i = 0; i < 7; i++) ts_header(images[image] + i * TS_BYTES, VIDEO_PID, i == 0, (unsigned)(7 * image + i));
    memcpy(entry_images[image], images[image], PAYLOAD_BYTES);
    memcpy(images[image] + 4, picture, sizeof picture);
  }
  static const uint8_t pat[] = {0x00, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | PMT_PID >> 8, PMT_PID & 0xff};
  static const uint8_t pmt[] = {0x02, 0xb0, 18,   0, 1,    0xc1,           0,                0,   0xe0 | VIDEO_PID >> 8,
                                0,    0xf0, 0, 0x1b, 0xe0 | VIDEO_PID >> 8, VIDEO_PID & 0xff, 0xf0, 0};
  for (int image = 0; image < IMAGES; image++) {
    uint8_t *entry = entry_images[image];
    psi_packet(entry, 0, pat, sizeof pat);
    psi_packet(entry + TS_BYTES, PMT_PID, pmt, sizeof pmt);
    uint8_t *key = entry + 2 * TS_BYTES;
    ts_header(key, VIDEO_PID, 1, (unsigned)(7 * image + 2));
    memcpy(key + 4, key_picture, sizeof key_picture);
  }
}

static inline const uint8_t *image_of(uint64_t channel, uint64_t sequence) {
  uint64_t image = (channel * 5 + sequence) % IMAGES;
  return sequence % ENTRY_EVERY == 0 ? entry_images[image] : images[image];
}

static inline void write_payload(uint8_t *target, struct stamp stamp) {
  memcpy(target, image_of(stamp.channel, stamp.sequence), BODY_BYTES);
  memcpy(target + BODY_BYTES, &stamp, sizeof stamp);
}

/* Whether every byte is what the source wrote for this channel; the stamp is taken out in any case. */
static inline int payload_holds(const uint8_t *payload, uint64_t channel, struct stamp *stamp) {
  memcpy(stamp, payload + BODY_BYTES, sizeof *stamp);
  return stamp->channel == channel && memcmp(payload, image_of(channel, stamp->sequence), BODY_BYTES) == 0;
}
