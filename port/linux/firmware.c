/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/firmware.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "management/image_header.h"

#define PART      262144 /* octets copied by one call of stage */
#define PIECE     4096
#define TRIAL     ".trial"
#define FRESH     ".new"
#define SELF      "/proc/self/exe"
#define LOOK_NS   20000000L /* between looks at a child on trial */
#define END_S     10        /* a confirmed child may take for its last commit */
#define ARGUMENTS 16

static wk_err fail(struct wk_firmware *firmware, const char *path)
{
    const wk_err err = errno == ENOSPC ? WK_E_FULL : WK_E_IO;
    snprintf(firmware->why, sizeof firmware->why, "%s: %s", path,
             errno == ENOSPC ? "no space left for a new firmware: free some and activate again"
                             : strerror(errno));
    if (firmware->file >= 0) {
        close(firmware->file);
        firmware->file = -1;
    }
    return err;
}

/* ---- names ------------------------------------------------------------------------------- */

static void name_of(const char *folder, uint64_t version, const char *ending,
                    char path[WK_FIRMWARE_PATH + 64])
{
    char text[WK_IMAGE_VERSION_TEXT];
    wk_image_version_print(version, text);
    snprintf(path, WK_FIRMWARE_PATH + 64, "%s/%s%s", folder, text, ending);
}

/* Whether a name is a version and this ending. */
static bool parse(const char *name, const char *ending, uint64_t *version)
{
    char text[WK_IMAGE_VERSION_TEXT];
    const size_t size = strlen(name);
    const size_t end = strlen(ending);
    if (size <= end || size - end >= sizeof text || strcmp(name + size - end, ending) != 0) {
        return false;
    }
    memcpy(text, name, size - end);
    text[size - end] = '\0';
    return wk_image_version_read(text, version) == WK_OK;
}

/* The newest version in the folder with an ending; false: none. */
static bool find(const char *folder, const char *ending, uint64_t *version)
{
    DIR *listing = opendir(folder);
    bool found = false;
    if (listing == NULL) {
        return false;
    }
    for (const struct dirent *entry = readdir(listing); entry != NULL;
         entry = readdir(listing)) {
        uint64_t one;
        if (parse(entry->d_name, ending, &one) && (!found || one > *version)) {
            *version = one;
            found = true;
        }
    }
    closedir(listing);
    return found;
}

static void drop(const char *folder, const char *ending)
{
    char path[WK_FIRMWARE_PATH + 64];
    uint64_t version;
    while (find(folder, ending, &version)) {
        name_of(folder, version, ending, path);
        if (unlink(path) != 0) {
            fprintf(stderr, "%s: cannot be removed: %s\n", path, strerror(errno));
            return;
        }
    }
}

/* So that a rename survives a cut. */
static int sync_folder(const char *folder)
{
    const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int result = file < 0 ? -1 : fsync(file);
    if (file >= 0) {
        close(file);
    }
    return result;
}

/* ---- the port ---------------------------------------------------------------------------- */

static wk_err copy_part(struct wk_firmware *firmware, const struct wk_hal_flash *area,
                        uint32_t at, uint32_t size, const char *path)
{
    uint8_t piece[PIECE];
    for (uint32_t done = 0; done < PART && firmware->staged < size; done += PIECE) {
        const uint32_t left = size - firmware->staged;
        const uint32_t part = left < PIECE ? left : PIECE;
        WK_TRY(area->read(area->self, at + firmware->staged, piece, part));
        errno = ENOSPC;
        if (write(firmware->file, piece, part) != (ssize_t)part) {
            return fail(firmware, path);
        }
        firmware->staged += part;
    }
    return firmware->staged < size ? WK_E_BUSY : WK_OK;
}

static wk_err stage(void *self, const struct wk_hal_flash *area, uint32_t at, uint32_t size,
                    uint64_t version)
{
    struct wk_firmware *firmware = self;
    char fresh[WK_FIRMWARE_PATH + 64];
    char ready[WK_FIRMWARE_PATH + 64];
    name_of(firmware->folder, version, FRESH, fresh);
    name_of(firmware->folder, version, TRIAL, ready);
    if (firmware->file < 0) {
        drop(firmware->folder, TRIAL);
        firmware->staged = 0;
        firmware->file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
        if (firmware->file < 0) {
            return fail(firmware, fresh);
        }
    }
    const wk_err err = copy_part(firmware, area, at, size, fresh);
    if (err == WK_E_BUSY) {
        return err;
    }
    if (err != WK_OK || fsync(firmware->file) != 0) {
        return fail(firmware, fresh);
    }
    close(firmware->file);
    firmware->file = -1;
    return rename(fresh, ready) == 0 && sync_folder(firmware->folder) == 0
               ? WK_OK
               : fail(firmware, ready);
}

static bool on_trial(void *self)
{
    const struct wk_firmware *firmware = self;
    return firmware->trial;
}

static wk_err confirm(void *self)
{
    struct wk_firmware *firmware = self;
    char before[WK_FIRMWARE_PATH + 64];
    char after[WK_FIRMWARE_PATH + 64];
    if (!firmware->trial) {
        return WK_OK;
    }
    name_of(firmware->folder, firmware->version, TRIAL, before);
    name_of(firmware->folder, firmware->version, "", after);
    if (rename(before, after) != 0 || sync_folder(firmware->folder) != 0) {
        return fail(firmware, before);
    }
    firmware->trial = false;
    return WK_OK;
}

wk_err wk_firmware_open(struct wk_firmware *firmware, const char *folder, uint64_t version,
                        bool trial)
{
    *firmware = (struct wk_firmware){.version = version, .trial = trial, .file = -1};
    firmware->port = (struct wk_hal_firmware){
        .self = firmware, .stage = stage, .on_trial = on_trial, .confirm = confirm};
    snprintf(firmware->folder, sizeof firmware->folder, "%s", folder);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return fail(firmware, folder);
    }
    drop(folder, FRESH);
    if (!trial) {
        drop(folder, TRIAL);
    }
    return WK_OK;
}

void wk_firmware_close(struct wk_firmware *firmware)
{
    if (firmware->file >= 0) {
        close(firmware->file);
    }
    firmware->file = -1;
}

wk_err wk_firmware_digest(uint8_t digest[32])
{
    uint8_t piece[16 * PIECE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    FILE *file = fopen(SELF, "re");
    bool good =
        context != NULL && file != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    while (good && !feof(file)) {
        const size_t got = fread(piece, 1, sizeof piece, file);
        good = ferror(file) == 0 && EVP_DigestUpdate(context, piece, got) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    if (file != NULL) {
        (void)fclose(file);
    }
    EVP_MD_CTX_free(context);
    return good ? WK_OK : WK_E_IO;
}

/* ---- who takes over ---------------------------------------------------------------------- */

bool wk_firmware_hand_over(const char *folder, uint64_t version, char **argv)
{
    char path[WK_FIRMWARE_PATH + 64];
    uint64_t newest = 0;
    if (!find(folder, "", &newest) || newest <= version) {
        return false;
    }
    name_of(folder, newest, "", path);
    execv(path, argv);
    fprintf(stderr, "%s: cannot be executed: %s; what was installed goes on\n", path,
            strerror(errno));
    return false;
}

static volatile sig_atomic_t g_end; /* a signal came: which one */

static void note_end(int number)
{
    g_end = number;
}

static void watch_signals(void)
{
    const struct sigaction action = {.sa_handler = note_end};
    g_end = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_a_little(void)
{
    const struct timespec pause = {0, LOOK_NS};
    nanosleep(&pause, NULL);
}

/* Whether the child has ended by then. */
static bool ends_within(pid_t child, int64_t limit_ms)
{
    const int64_t until = now_ms() + limit_ms;
    int status;
    while (now_ms() < until) {
        if (waitpid(child, &status, WNOHANG) == child) {
            return true;
        }
        wait_a_little();
    }
    return false;
}

static void end_child(pid_t child, int number)
{
    int status;
    kill(child, number);
    if (number == SIGKILL || !ends_within(child, (int64_t)END_S * 1000)) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
}

/* False: no child. */
static bool start_child(const char *path, char **argv, const char *option, pid_t *child)
{
    char *with[ARGUMENTS + 2];
    char copy[32];
    size_t count = 0;
    for (; count < ARGUMENTS && argv[count] != NULL; count++) {
        with[count] = argv[count];
    }
    snprintf(copy, sizeof copy, "%s", option);
    with[count] = copy;
    with[count + 1] = NULL;
    *child = fork();
    if (*child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        execv(path, with);
        _exit(127);
    }
    return *child > 0;
}

/* Whether the child was confirmed: its file has not the ending of a trial any more. */
static bool watch_child(pid_t child, const char *trial, uint32_t limit_s)
{
    const int64_t until = now_ms() + (int64_t)limit_s * 1000;
    while (now_ms() < until && g_end == 0) {
        if (access(trial, F_OK) != 0) {
            end_child(child, SIGTERM);
            return true;
        }
        int status;
        if (waitpid(child, &status, WNOHANG) == child) {
            fputs("the new firmware ended on trial: the one before goes on\n", stderr);
            return access(trial, F_OK) != 0;
        }
        wait_a_little();
    }
    end_child(child, g_end != 0 ? SIGTERM : SIGKILL);
    return access(trial, F_OK) != 0;
}

bool wk_firmware_try(const char *folder, char **argv, const char *option, uint32_t limit_s)
{
    char trial[WK_FIRMWARE_PATH + 64];
    char kept[WK_FIRMWARE_PATH + 64];
    uint64_t version = 0;
    pid_t child;
    watch_signals();
    if (find(folder, TRIAL, &version)) {
        name_of(folder, version, TRIAL, trial);
        name_of(folder, version, "", kept);
        const bool confirmed =
            start_child(trial, argv, option, &child) && watch_child(child, trial, limit_s);
        if (!confirmed) {
            drop(folder, TRIAL);
        }
        if (g_end != 0) {
            return true;
        }
        if (confirmed) {
            execv(kept, argv);
        }
    }
    execv(SELF, argv);
    fprintf(stderr, "nothing can be executed: %s\n", strerror(errno));
    return false;
}
