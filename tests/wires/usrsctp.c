/* Another stack of SCTP in UDP, and an M3UA end on it: asks to be up and active, whether the other end is alive, and takes
 * its leave. Says what it hears, a line each.
 *
 * usrsctp OWN_UDP_PORT ADDRESS UDP_PORT
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <usrsctp.h>

enum { M3UA = 3, PORT = 2905 };

static void say(struct socket *socket, const unsigned char *message, size_t len) {
    struct sctp_sndinfo info;
    memset(&info, 0, sizeof info);
    info.snd_ppid = htonl(M3UA);
    if (usrsctp_sendv(socket, message, len, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0) < 0) {
        perror("send");
        exit(1);
    }
}

/* Waits for a message of this class and type; others are passed over. */
static void hear(struct socket *socket, unsigned char class, unsigned char type, const char *what) {
    unsigned char message[4096];
    for (;;) {
        struct sockaddr_in from;
        socklen_t from_len = sizeof from;
        struct sctp_rcvinfo info;
        socklen_t info_len = sizeof info;
        unsigned int info_type = 0;
        int flags = 0;
        ssize_t len = usrsctp_recvv(socket, message, sizeof message, (struct sockaddr *)&from, &from_len, &info, &info_len,
                                    &info_type, &flags);
        if (len <= 0) {
            perror("receive");
            exit(1);
        }
        if (flags & MSG_NOTIFICATION || len < 8 || info_type != SCTP_RECVV_RCVINFO)
            continue;
        if (message[2] == class && message[3] == type) {
            printf("%s stream %u ppid %u bytes %zd\n", what, info.rcv_sid, ntohl(info.rcv_ppid), len);
            fflush(stdout);
            return;
        }
    }
}

int main(int argc, char **argv) {
    static const unsigned char up[] = {1, 0, 3, 1, 0, 0, 0, 8}, active[] = {1, 0, 4, 1, 0, 0, 0, 8};
    unsigned char beat[3008] = {1, 0, 3, 3, 0, 0, 3008 >> 8, 3008 & 255, 0, 9, 3000 >> 8, 3000 & 255};
    if (argc != 4)
        return 2;
    usrsctp_init((uint16_t)atoi(argv[1]), NULL, NULL);
    struct socket *socket = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (socket == NULL) {
        perror("socket");
        return 1;
    }
    int on = 1;
    usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on);
    struct sockaddr_in own, other;
    memset(&own, 0, sizeof own);
    own.sin_family = AF_INET;
    own.sin_port = htons(PORT);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sctp_udpencaps encaps;
    memset(&encaps, 0, sizeof encaps);
    encaps.sue_address.ss_family = AF_INET;
    encaps.sue_port = htons((uint16_t)atoi(argv[3]));
    if (usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof encaps) < 0 ||
        usrsctp_bind(socket, (struct sockaddr *)&own, sizeof own) < 0) {
        perror("bind");
        return 1;
    }
    memset(&other, 0, sizeof other);
    other.sin_family = AF_INET;
    other.sin_port = htons(PORT);
    inet_pton(AF_INET, argv[2], &other.sin_addr);
    if (usrsctp_connect(socket, (struct sockaddr *)&other, sizeof other) < 0) {
        perror("connect");
        return 1;
    }
    printf("connected\n");
    fflush(stdout);
    say(socket, up, sizeof up);
    hear(socket, 3, 4, "up");
    say(socket, active, sizeof active);
    hear(socket, 4, 3, "active");
    /* Longer than a packet: it goes and comes back in pieces. */
    memset(beat + 12, 'b', sizeof beat - 12);
    say(socket, beat, sizeof beat);
    hear(socket, 3, 6, "beat");
    usrsctp_shutdown(socket, SHUT_RDWR);
    usrsctp_close(socket);
    for (int tries = 0; tries < 50 && usrsctp_finish() != 0; tries++)
        usleep(100000);
    printf("left\n");
    return 0;
}
