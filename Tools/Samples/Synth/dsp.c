/* The sound. Change it while it plays: it is compiled and swapped in when the file is saved.
   Variables keep their values as long as their sizes stay. */
#include <math.h>

#define RATE 48000.0
#define TWO_PI 6.283185307179586

static double carrier, modulator, sweep; /* phases, in turns */
static float low;                        /* state of the filter */
static unsigned beat;                    /* samples since the start */

static const double melody[] = {220.0, 261.63, 329.63, 392.0, 440.0, 392.0, 329.63, 261.63};

static double turn(double *phase, double frequency) {
    *phase += frequency / RATE;
    *phase -= floor(*phase);
    return *phase;
}

void render(float *out, int frames) {
    for (int i = 0; i < frames; i++, beat++) {
        double note = melody[beat / 12000 % 8];
        double age = beat % 12000 / 12000.0;
        double wobble = sin(TWO_PI * turn(&sweep, 0.25));
        double bend = sin(TWO_PI * turn(&modulator, note * 2.0)) * (2.0 + wobble) * (1.0 - age);
        double tone = sin(TWO_PI * turn(&carrier, note) + bend) * exp(-3.0 * age);
        low += 0.3f * ((float)tone - low);
        out[i] = 0.5f * low;
    }
}
