/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/iio_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN         6.283185307179586476925
#define CHANNELS     7
#define FRAME        26 /* octets of a frame of all channels: 6 of 4 and one of 2 */
#define QUEUE_BLOCKS 8
#define LINE         256
#define BLOCK_MOST   (1 << 20)

struct channel {
    const char *id;
    const char *format;
    const char *scale;
    const char *offset;
    int octets;
    int lag_deg;
};

static const struct channel k_channels[CHANNELS] = {
    {"voltage0", "be:S24/32&gt;&gt;8", "0.00011920928955078125", NULL, 4, 0},
    {"voltage1", "be:S24/32&gt;&gt;8", "0.00011920928955078125", NULL, 4, 120},
    {"voltage2", "be:S24/32&gt;&gt;8", "0.00011920928955078125", NULL, 4, 240},
    {"voltage3", "be:U16/16&gt;&gt;0", "0.05", "-32768", 2, 0},
    {"current0", "le:S32/32&gt;&gt;0", "0.00001", NULL, 4, 30},
    {"current1", "le:S32/32&gt;&gt;0", "0.00001", NULL, 4, 150},
    {"current2", "le:S24/32&gt;&gt;0", "0.005", NULL, 4, 270},
};

struct client {
    struct wk_iio_server *server;
    int socket;
    int slot;
    uint32_t mask;
    double begin_s; /* steady time of frame 0 */
    double rate_hz;
    uint64_t next;   /* frame to deliver */
    uint64_t gap_at; /* frame before which `gap` are missing; 0 = none */
    uint64_t gap;
    uint8_t *block;
};

static double steady_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- the wire ---------------------------------------------------------------------------- */

static bool send_all(int socket, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        const ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool send_number(int socket, long number)
{
    char text[32];
    return send_all(socket, text, (size_t)snprintf(text, sizeof text, "%ld\n", number));
}

/* A value with its terminating zero, as the kernel's files have. */
static bool send_value(int socket, const char *value)
{
    char text[LINE];
    const int size = snprintf(text, sizeof text, "%s", value);
    text[size + 1] = '\n';
    return send_number(socket, size + 1) && send_all(socket, text, (size_t)size + 2);
}

static bool read_line(int socket, char line[LINE])
{
    for (size_t n = 0; n < LINE - 1; n++) {
        if (recv(socket, line + n, 1, 0) != 1) {
            return false;
        }
        if (line[n] == '\n') {
            line[n] = '\0';
            line[strcspn(line, "\r")] = '\0';
            return true;
        }
    }
    return false;
}

/* What the library checks the context against. */
static const char k_dtd[] =
    "<!DOCTYPE context [<!ELEMENT context (device)*><!ELEMENT device (channel|attribute)*>"
    "<!ELEMENT channel (scan-element?,attribute*)><!ELEMENT scan-element EMPTY>"
    "<!ELEMENT attribute EMPTY><!ATTLIST context name CDATA #REQUIRED description CDATA "
    "#IMPLIED><!ATTLIST device id CDATA #REQUIRED name CDATA #IMPLIED><!ATTLIST channel id "
    "CDATA #REQUIRED type CDATA #REQUIRED><!ATTLIST scan-element index CDATA #REQUIRED format "
    "CDATA #REQUIRED><!ATTLIST attribute name CDATA #REQUIRED>]>";

/* ---- the context ------------------------------------------------------------------------- */

static bool send_context(int socket)
{
    char xml[4096];
    int size =
        snprintf(xml, sizeof xml,
                 "<?xml version=\"1.0\" encoding=\"utf-8\"?>%s<context name=\"network\" "
                 "description=\"synthetic\"><device id=\"iio:device0\" name=\"ade9000\">",
                 k_dtd);
    for (int c = 0; c < CHANNELS; c++) {
        const struct channel *channel = &k_channels[c];
        size += snprintf(xml + size, sizeof xml - (size_t)size,
                         "<channel id=\"%s\" type=\"input\"><scan-element index=\"%d\" "
                         "format=\"%s\"/><attribute name=\"scale\"/>%s</channel>",
                         channel->id, c, channel->format,
                         channel->offset != NULL ? "<attribute name=\"offset\"/>" : "");
    }
    size += snprintf(xml + size, sizeof xml - (size_t)size,
                     "<attribute name=\"sampling_frequency\"/></device>"
                     "<device id=\"iio:device1\" name=\"rms\"><channel id=\"voltage0\" "
                     "type=\"input\"><attribute name=\"raw\"/></channel></device></context>");
    xml[size] = '\n';
    return send_number(socket, size) && send_all(socket, xml, (size_t)size + 1);
}

static bool read_attribute(struct client *client, const char *line)
{
    char id[LINE];
    char name[LINE];
    char value[64];
    if (sscanf(line, "READ iio:device0 INPUT %255s %255s", id, name) == 2) {
        for (int c = 0; c < CHANNELS; c++) {
            const struct channel *channel = &k_channels[c];
            const char *text = strcmp(name, "scale") == 0 ? channel->scale : channel->offset;
            if (strcmp(channel->id, id) == 0 && text != NULL && !client->server->broken) {
                return send_value(client->socket, text);
            }
        }
    } else if (strcmp(line, "READ iio:device0 sampling_frequency") == 0) {
        snprintf(value, sizeof value, "%.6f", (double)client->server->rate_hz);
        return send_value(client->socket, value);
    }
    return send_number(client->socket, -EIO);
}

static bool write_attribute(struct client *client, const char *line)
{
    unsigned size = 0;
    char value[LINE] = "";
    if (sscanf(line, "WRITE iio:device0 sampling_frequency %u", &size) != 1 || size >= LINE ||
        recv(client->socket, value, size, MSG_WAITALL) != (ssize_t)size) {
        return send_number(client->socket, -EINVAL);
    }
    const double hz = atof(value);
    if (hz > 32000) {
        return send_number(client->socket, -EINVAL);
    }
    client->server->rate_hz = hz;
    return send_number(client->socket, (long)size);
}

/* ---- samples ----------------------------------------------------------------------------- */

/* The sample of a channel, as the converter sees it. */
static int64_t sample_of(int c, double t_s)
{
    const double wave = cos(TURN * fmod(50 * t_s, 1.0) - k_channels[c].lag_deg * TURN / 360);
    if (c < 3) {
        return llrint(0.23 * sqrt(2) * wave * 8388608);
    }
    if (c == 3) {
        return 32768 + llrint((0.115 * sqrt(2) * wave + 0.5) / 0.05e-3);
    }
    return llrint(10 * sqrt(2) * wave * (c < 6 ? 1e8 : 2e5));
}

static size_t put_sample(int c, int64_t sample, uint8_t *to)
{
    const int octets = k_channels[c].octets;
    const uint64_t bits = (uint64_t)sample << (c < 3 ? 8 : 0) | (c < 3 ? 0xA5 : 0);
    for (int n = 0; n < octets; n++) {
        const int place = c < 4 ? octets - 1 - n : n;
        to[n] = (uint8_t)(bits >> (8 * place) & 0xFF);
    }
    if (c == 6) {
        to[3] = 0x5A; /* above the 24 bits: whatever the converter left there */
    }
    return (size_t)octets;
}

/* A frame holds the channels of the mask, each aligned to its size. */
static size_t put_frame(const struct client *client, uint64_t frame, uint8_t *to)
{
    size_t size = 0;
    size_t widest = 1;
    for (int c = 0; c < CHANNELS; c++) {
        if ((client->mask & 1U << c) == 0) {
            continue;
        }
        const size_t octets = (size_t)k_channels[c].octets;
        widest = octets > widest ? octets : widest;
        size = (size + octets - 1) / octets * octets;
        size += put_sample(c, sample_of(c, (double)frame / client->rate_hz), to + size);
    }
    return (size + widest - 1) / widest * widest;
}

/* What the queue has lost since it was last read. */
static void overrun(struct client *client, uint64_t block)
{
    const double due = (steady_s() - client->begin_s) * client->rate_hz;
    const uint64_t made = due > 0 ? (uint64_t)due : 0;
    const uint64_t room = block * QUEUE_BLOCKS;
    if (client->gap == 0 && made > client->next + room) {
        client->gap_at = client->next + room;
        client->gap = made - client->gap_at;
    }
    const uint64_t lose = atomic_exchange(&client->server->lose, 0);
    if (lose > 0 && client->gap == 0) {
        client->gap_at = client->next;
        client->gap = lose;
    }
    if (client->gap > 0 && client->next >= client->gap_at) {
        client->next += client->gap;
        client->server->lost += client->gap;
        client->gap = 0;
    }
}

static void wait_for(const struct client *client, uint64_t frame)
{
    const double due_s = client->begin_s + (double)frame / client->rate_hz;
    while (steady_s() < due_s && !client->server->stop && !client->server->down) {
        const struct timespec pause = {0, 500000};
        nanosleep(&pause, NULL);
    }
}

static bool read_buffer(struct client *client, const char *line)
{
    size_t wanted = 0;
    if (sscanf(line, "READBUF iio:device0 %zu", &wanted) != 1 || wanted > BLOCK_MOST) {
        return send_number(client->socket, -EINVAL);
    }
    uint8_t frame[FRAME + 8];
    const size_t step = put_frame(client, 0, frame);
    const uint64_t frames = wanted / step;
    if (client->server->rate_hz != client->rate_hz) {
        client->rate_hz = client->server->rate_hz;
        client->begin_s = steady_s();
        client->next = 0;
        client->gap = 0;
    }
    overrun(client, frames);
    wait_for(client, client->next + frames);
    size_t size = 0;
    for (uint64_t n = 0; n < frames; n++) {
        size += put_frame(client, client->next++, client->block + size);
    }
    char mask[16];
    snprintf(mask, sizeof mask, "%08x\n", client->mask);
    return send_number(client->socket, (long)size) && send_all(client->socket, mask, 9) &&
           send_all(client->socket, client->block, size);
}

/* ---- a client ---------------------------------------------------------------------------- */

static bool answer(struct client *client, const char *line)
{
    unsigned samples = 0;
    if (strcmp(line, "PRINT") == 0) {
        return send_context(client->socket);
    }
    if (strcmp(line, "VERSION") == 0) {
        return send_all(client->socket, "0.24.v0.24   \n", 14);
    }
    if (strncmp(line, "READBUF ", 8) == 0) {
        return read_buffer(client, line);
    }
    if (strncmp(line, "READ ", 5) == 0) {
        return read_attribute(client, line);
    }
    if (strncmp(line, "WRITE ", 6) == 0) {
        return write_attribute(client, line);
    }
    if (strncmp(line, "OPEN ", 5) == 0) {
        const bool known = sscanf(line, "OPEN iio:device0 %u %x", &samples, &client->mask) == 2;
        client->rate_hz = client->server->rate_hz;
        client->begin_s = steady_s();
        client->next = 0;
        return send_number(client->socket, known ? 0 : -ENODEV);
    }
    const bool plain = strncmp(line, "TIMEOUT ", 8) == 0 || strncmp(line, "CLOSE ", 6) == 0 ||
                       strncmp(line, "SET ", 4) == 0;
    return strcmp(line, "EXIT") != 0 && send_number(client->socket, plain ? 0 : -EINVAL);
}

static void *serve(void *context)
{
    struct client *client = context;
    struct wk_iio_server *server = client->server;
    char line[LINE];
    client->block = malloc(BLOCK_MOST + 64);
    while (client->block != NULL && read_line(client->socket, line) && !server->down &&
           answer(client, line)) {
    }
    server->client[client->slot] = 0;
    close(client->socket);
    free(client->block);
    free(client);
    atomic_fetch_sub(&server->running, 1);
    return NULL;
}

static void take_client(struct wk_iio_server *server, int socket)
{
    const int on = 1;
    struct client *client = calloc(1, sizeof *client);
    pthread_t thread;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (int slot = 0; client != NULL && slot < WK_IIO_SERVER_CLIENTS; slot++) {
        if (server->client[slot] != 0) {
            continue;
        }
        *client = (struct client){.server = server, .socket = socket, .slot = slot};
        server->client[slot] = socket + 1;
        atomic_fetch_add(&server->running, 1);
        if (pthread_create(&thread, NULL, serve, client) == 0) {
            pthread_detach(thread);
            return;
        }
        atomic_fetch_sub(&server->running, 1);
        server->client[slot] = 0;
        break;
    }
    free(client);
    close(socket);
}

static void *accept_all(void *context)
{
    struct wk_iio_server *server = context;
    while (!server->stop) {
        const int socket = accept(server->listener, NULL, NULL);
        if (socket < 0) {
            continue;
        }
        if (server->down || server->stop) {
            close(socket);
        } else {
            take_client(server, socket);
        }
    }
    return NULL;
}

wk_err wk_iio_server_start(struct wk_iio_server *server, double rate_hz)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->rate_hz = rate_hz;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 ||
        bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 8) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&server->thread, NULL, accept_all, server) != 0) {
        return WK_E_IO;
    }
    server->port = ntohs(address.sin_port);
    return WK_OK;
}

static void drop_all(struct wk_iio_server *server)
{
    for (int slot = 0; slot < WK_IIO_SERVER_CLIENTS; slot++) {
        const int socket = server->client[slot];
        if (socket != 0) {
            shutdown(socket - 1, SHUT_RDWR);
        }
    }
}

void wk_iio_server_set_down(struct wk_iio_server *server, bool down)
{
    server->down = down;
    if (down) {
        drop_all(server);
    }
}

void wk_iio_server_stop(struct wk_iio_server *server)
{
    const struct timespec pause = {0, 1000000};
    server->stop = true;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (int n = 0; n < 5000 && server->running > 0; n++) {
        drop_all(server);
        nanosleep(&pause, NULL);
    }
}
