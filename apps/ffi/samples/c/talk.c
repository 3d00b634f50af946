/* Calls somebody, says PCM and keeps what it hears: raw samples, 16 bit, mono, 48 kHz.
 *
 *   cc -I../../include talk.c -o talk -L<folder of librove_ffi> -lrove_ffi
 *   ./talk 127.0.0.1:5060 said.raw heard.raw 4
 *
 * A card's callback would push and pull where this loop does, every 10 ms. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rove.h"

enum { RATE = 48000, BLOCK = RATE / 100 };

static int failed(const char *what) {
    char why[256];
    rove_last_error(why, sizeof why);
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

/* Waits for events of a call until it stands; 0 when it does. */
static int connected(RovePhone phone, RoveCall call) {
    RoveEvent event;
    while (rove_phone_next_event(phone, 10000, &event) == ROVE_STATUS_OK) {
        RoveEventKind kind = event.kind;
        int ours = event.call == call;
        if (ours && kind == ROVE_EVENT_KIND_ENDED) fprintf(stderr, "ended: %s\n", event.text);
        rove_event_clear(&event);
        if (ours && kind == ROVE_EVENT_KIND_CONNECTED) return 0;
        if (ours && kind == ROVE_EVENT_KIND_ENDED) return 1;
    }
    return 1;
}

static void talk(RoveCall call, FILE *said, FILE *heard, int seconds) {
    int16_t block[BLOCK];
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (int period = 0; period < seconds * 100; period++) {
        size_t count = fread(block, sizeof *block, BLOCK, said);
        memset(block + count, 0, (BLOCK - count) * sizeof *block);
        rove_call_push_pcm(call, block, BLOCK);
        rove_call_pull_pcm(call, block, BLOCK);
        fwrite(block, sizeof *block, BLOCK, heard);
        due.tv_nsec += 10000000;
        if (due.tv_nsec >= 1000000000) {
            due.tv_nsec -= 1000000000;
            due.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
}

int main(int count, char **words) {
    if (count != 5) {
        fprintf(stderr, "usage: talk TARGET SAID.raw HEARD.raw SECONDS\n");
        return 2;
    }
    FILE *said = fopen(words[2], "rb"), *heard = fopen(words[3], "wb");
    if (!said || !heard) {
        perror(said ? words[3] : words[2]);
        return 2;
    }
    RoveConfig config;
    rove_config_init(&config);
    config.listen = "127.0.0.1:0";
    config.identity = "c@127.0.0.1";
    config.sound = ROVE_SOUND_PCM;
    config.pcm_rate = RATE;
    RovePhone phone;
    RoveCall call;
    if (rove_phone_create(&config, &phone) != ROVE_STATUS_OK) return failed("phone");
    if (rove_phone_dial(phone, words[1], &call) != ROVE_STATUS_OK) return failed("dial");
    if (connected(phone, call)) return 1;
    talk(call, said, heard, atoi(words[4]));
    fclose(heard);
    rove_call_hang_up(call);
    RoveStatus closed = rove_phone_close(phone, 5000);
    rove_phone_free(phone);
    return closed == ROVE_STATUS_OK ? 0 : failed("close");
}
