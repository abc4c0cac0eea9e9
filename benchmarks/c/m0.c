/* Instructions of the first sample in m0_sample.h, counted by the system timer of an emulator that gives each instruction one
   nanosecond (QEMU: -icount shift=0); its class and scores. */
#include "net.h"

#include <stdio.h>

#include "m0_sample.h"

#define TIMER ((volatile uint32_t *)0xe000e010)
#define INSTRUCTIONS_PER_TICK 40 /* 25 MHz */

static net_scratch scratch;
static net_score scores[net_SCORES];

int main(void)
{
    uint32_t start, encoded, end;
    int label;
    TIMER[1] = 0xffffff;
    TIMER[2] = 0;
    TIMER[0] = 5;
    while (TIMER[2] == 0) {
    }
    start = TIMER[2];
    net_encode(sample, &scratch);
    encoded = TIMER[2];
    label = net_run(&scratch, scores);
    end = TIMER[2];
    printf("%lu %lu %d", (unsigned long)((start - encoded) & 0xffffff) * INSTRUCTIONS_PER_TICK,
        (unsigned long)((encoded - end) & 0xffffff) * INSTRUCTIONS_PER_TICK, label);
    for (int i = 0; i < net_SCORES; i++)
        printf(" %ld", (long)scores[i]);
    printf("\n");
    return 0;
}
