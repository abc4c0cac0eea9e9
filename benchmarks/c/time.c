/* Seconds of processor time for all frames of a file of raw samples, so many times: one number a line. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static net_scratch scratch;
static net_score scores[net_SCORES];

int main(int count, char **arguments)
{
    FILE *file = fopen(arguments[1], "rb");
    const long frames = count == 4 ? atol(arguments[2]) : 0;
    net_sample *samples = malloc((size_t)frames * net_SAMPLES * sizeof *samples);
    if (!file || !samples || fread(samples, net_SAMPLES * sizeof *samples, (size_t)frames, file) != (size_t)frames)
        return 2;
    for (long run = atol(arguments[3]); run > 0; run--) {
        const clock_t start = clock();
        for (long frame = 0; frame < frames; frame++)
            if (net_classify(samples + frame * net_SAMPLES, &scratch, scores) < 0)
                return 1;
        printf("%.9f\n", (double)(clock() - start) / CLOCKS_PER_SEC);
    }
    return 0;
}
