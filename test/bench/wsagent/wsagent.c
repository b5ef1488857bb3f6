/* wsagent: an agent behind Twilio Media Streams for many calls in one thread, for loading and timing a gateway.
 * Every stream that starts is spoken to: one media message of 160 bytes every 20 ms, with the sender's clock in its
 * first 12 bytes as mload writes it. Of what comes, that stamp is read back: its age when the message is here.
 * usage: wsagent PORT. Commands on stdin, JSON lines on stdout.
 *   reset | stats | quit
 * Build: cc -O2 -o wsagent wsagent.c -lcrypto
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAXCONN 1024
#define INBUF 65536
#define FRAME_NS 20000000LL
typedef struct { int fd, open, started; char sid[64]; uint8_t in[INBUF]; int n; long long next; } conn_t;
static conn_t *conns[MAXCONN];
static float *lat; static long nlat, cap; static unsigned long tx, rx, late; static int nstarted;

static long long now_ns(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static void die(const char *m) { perror(m); exit(1); }
static int cmpf(const void *a, const void *b) { float x = *(float *)a, y = *(float *)b; return x < y ? -1 : x > y; }
static void sample(float us) {
  if (nlat == cap) { cap = cap ? cap * 2 : 65536; lat = realloc(lat, cap * sizeof *lat); }
  lat[nlat++] = us;
}
static void leave(conn_t *c) {
  if (c->started) nstarted--;
  close(c->fd);
  for (int i = 0; i < MAXCONN; i++) if (conns[i] == c) conns[i] = NULL;
  free(c);
}
/* A gateway that does not read for a whole send buffer is not what is measured here: the message is left out and counted. */
static void text(conn_t *c, const char *s, int n, int op) {
  uint8_t b[1024]; int h = 2; b[0] = 0x80 | op; if (n < 126) b[1] = n; else { b[1] = 126; b[2] = n >> 8; b[3] = n; h = 4; }
  memcpy(b + h, s, n); if (send(c->fd, b, h + n, MSG_DONTWAIT | MSG_NOSIGNAL) != h + n) late++;
}
static void speak(conn_t *c) {
  uint8_t a[160]; char s[512]; memset(a, 0x55, sizeof a); memcpy(a, "STMP", 4);
  int n = snprintf(s, sizeof s, "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":\"", c->sid);
  long long t = now_ns(); memcpy(a + 4, &t, 8); n += EVP_EncodeBlock((uint8_t *)s + n, a, sizeof a); memcpy(s + n, "\"}}", 3);
  text(c, s, n + 3, 1); tx++;
}
static void message(conn_t *c, char *s, long long t) {
  char *p;
  if (strstr(s, "\"event\":\"media\"")) {
    if (!(p = strstr(s, "\"payload\":\""))) return;
    uint8_t d[16]; rx++;
    if (EVP_DecodeBlock(d, (uint8_t *)p + 11, 16) >= 12 && !memcmp(d, "STMP", 4)) { long long t0; memcpy(&t0, d + 4, 8); sample((t - t0) / 1e3); }
  } else if (strstr(s, "\"event\":\"start\"") && (p = strstr(s, "\"streamSid\":\"")) && !c->started) {
    sscanf(p + 13, "%63[^\"]", c->sid); c->started = 1; nstarted++; c->next = t + rand() % FRAME_NS;
  }
}
static int frame(conn_t *c, long long t) {
  if (c->n < 6) return 0;
  int op = c->in[0] & 15, h = 2; size_t len = c->in[1] & 127;
  if (len == 126) { len = c->in[2] << 8 | c->in[3]; h = 4; } else if (len == 127) return -1;
  uint8_t *mask = c->in + h; h += 4; if (c->n < (int)(h + len)) return 0;
  char s[INBUF + 1]; for (size_t i = 0; i < len; i++) s[i] = c->in[h + i] ^ mask[i & 3]; s[len] = 0;
  if (op == 8) return -1;
  if (op == 9) text(c, s, len, 10); else if (op == 1) message(c, s, t);
  memmove(c->in, c->in + h + len, c->n -= h + len); return 1;
}
static int upgrade(conn_t *c) {
  char *end = memmem(c->in, c->n, "\r\n\r\n", 4); if (!end) return 0;
  char *k = strcasestr((char *)c->in, "sec-websocket-key:"); if (!k) return -1;
  char key[128], answer[256]; uint8_t md[20], accept[64]; sscanf(k + 18, " %60[^\r]", key); strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  SHA1((uint8_t *)key, strlen(key), md); EVP_EncodeBlock(accept, md, 20);
  int n = snprintf(answer, sizeof answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
  if (send(c->fd, answer, n, MSG_NOSIGNAL) != n) return -1;
  int h = end + 4 - (char *)c->in; memmove(c->in, c->in + h, c->n -= h); c->open = 1; return 1;
}
static void readable(conn_t *c) {
  int n = recv(c->fd, c->in + c->n, INBUF - c->n - 1, MSG_DONTWAIT); long long t = now_ns(); int more = 1;
  if (n <= 0) { if (n == 0 || errno != EAGAIN) leave(c); return; }
  c->n += n; c->in[c->n] = 0;
  while (more > 0) more = c->open ? frame(c, t) : upgrade(c);
  if (more < 0) leave(c);
}
static void stats(void) {
  qsort(lat, nlat, sizeof *lat, cmpf);
#define Q(p) (nlat ? lat[(long)((nlat - 1) * (p))] : -1)
  printf("{\"ev\":\"stats\",\"streams\":%d,\"tx\":%lu,\"rx\":%lu,\"late\":%lu,\"n\":%ld,\"p50\":%.0f,\"p99\":%.0f,\"max\":%.0f}\n", nstarted, tx, rx, late, nlat, Q(.5), Q(.99), Q(1));
}
int main(int argc, char **argv) {
  if (argc < 2) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  int ls = socket(AF_INET, SOCK_STREAM, 0), one = 1, ep = epoll_create1(0); struct sockaddr_in s = {AF_INET, htons(atoi(argv[1])), {inet_addr("127.0.0.1")}};
  setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); if (bind(ls, (struct sockaddr *)&s, sizeof s) || listen(ls, 512)) die("listen");
  struct epoll_event ev = {EPOLLIN, {.ptr = NULL}}, evs[256]; epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev); ev.data.ptr = stdin; epoll_ctl(ep, EPOLL_CTL_ADD, 0, &ev);
  printf("{\"ev\":\"ready\"}\n");
  for (;;) {
    int n = epoll_wait(ep, evs, 256, 1);
    for (int i = 0; i < n; i++) {
      if (evs[i].data.ptr == stdin) {
        char b[256]; int k = read(0, b, sizeof b - 1); if (k <= 0) return 0; b[k] = 0;
        if (strstr(b, "quit")) return 0;
        if (strstr(b, "stats")) stats();
        if (strstr(b, "reset")) nlat = tx = rx = late = 0;
      } else if (!evs[i].data.ptr) {
        int fd = accept(ls, NULL, NULL), at = 0; if (fd < 0) continue;
        while (at < MAXCONN && conns[at]) at++;
        if (at == MAXCONN) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        conns[at] = calloc(1, sizeof(conn_t)); conns[at]->fd = fd; ev.data.ptr = conns[at]; epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
      } else readable(evs[i].data.ptr);
    }
    long long t = now_ns();
    for (int i = 0; i < MAXCONN; i++) {
      conn_t *c = conns[i]; if (!c || !c->started || c->next > t) continue;
      c->next += FRAME_NS; if (c->next < t) c->next = t + FRAME_NS;
      speak(c);
    }
  }
}
