/* Latencies in buckets that grow with the value: 32 to each power of two, so a quantile is at most 3.2 % too high. */
#pragma once
#include <stdint.h>

enum { SUB_BUCKETS = 32, BUCKETS = 60 * SUB_BUCKETS };

struct histogram {
  uint64_t counts[BUCKETS];
  uint64_t total;
  uint64_t max_us;
};

static inline void histogram_add(struct histogram *histogram, uint64_t us) {
  unsigned shift = us < SUB_BUCKETS ? 0 : (unsigned)(58 - __builtin_clzll(us)); /* leaves 6 bits, the highest set */
  histogram->counts[shift * SUB_BUCKETS + (us >> shift)]++;
  histogram->total++;
  if (us > histogram->max_us) histogram->max_us = us;
}

/* The upper border of the bucket that holds the quantile, in milliseconds; 0 where nothing was added. */
static inline double histogram_quantile_ms(const struct histogram *histogram, double quantile) {
  uint64_t seen = 0, wanted = (uint64_t)(quantile * (double)histogram->total);
  for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
    seen += histogram->counts[bucket];
    if (histogram->counts[bucket] == 0 || seen < wanted) continue;
    unsigned shift = bucket < 2 * SUB_BUCKETS ? 0 : bucket / SUB_BUCKETS - 1;
    uint64_t border = (uint64_t)(bucket - shift * SUB_BUCKETS + 1) << shift;
    return (double)(border < histogram->max_us ? border : histogram->max_us) / 1000.0;
  }
  return 0;
}
