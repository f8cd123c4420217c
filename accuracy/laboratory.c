/* SPDX-License-Identifier: Apache-2.0 */
#include "accuracy/laboratory.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MOST 16

struct laboratory {
    struct wk_trial_list *list;
    const bool *chosen;
    wk_laboratory_tell tell;
    void *self;
    pthread_mutex_t lock;
    size_t next;
    size_t done;
    size_t of;
    bool failed;
};

/* The next trial to run; NULL: there is none left. */
static struct wk_trial *fetch(struct laboratory *laboratory)
{
    struct wk_trial *trial = NULL;
    pthread_mutex_lock(&laboratory->lock);
    while (trial == NULL && laboratory->next < laboratory->list->count) {
        const size_t at = laboratory->next++;
        trial = laboratory->chosen[at] ? &laboratory->list->trial[at] : NULL;
    }
    pthread_mutex_unlock(&laboratory->lock);
    return trial;
}

static void finish(struct laboratory *laboratory, const struct wk_trial *trial)
{
    pthread_mutex_lock(&laboratory->lock);
    laboratory->done++;
    laboratory->tell(laboratory->self, trial, laboratory->done, laboratory->of);
    pthread_mutex_unlock(&laboratory->lock);
}

static void *work(void *self)
{
    struct laboratory *laboratory = self;
    struct wk_player *player = calloc(1, sizeof *player);
    if (player == NULL || !wk_player_open(player)) {
        pthread_mutex_lock(&laboratory->lock);
        laboratory->failed = true;
        pthread_mutex_unlock(&laboratory->lock);
    } else {
        struct wk_trial *trial;
        while ((trial = fetch(laboratory)) != NULL) {
            trial->err = trial->run(trial, player);
            trial->holds = trial->holds && trial->err == WK_OK;
            finish(laboratory, trial);
        }
    }
    if (player != NULL) {
        wk_player_close(player);
    }
    free(player);
    return NULL;
}

bool wk_laboratory_run(struct wk_trial_list *list, const bool *chosen, wk_laboratory_tell tell,
                       void *self)
{
    struct laboratory laboratory = {
        .list = list,
        .chosen = chosen,
        .tell = tell,
        .self = self,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    pthread_t thread[WORKERS_MOST];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int wanted = cores < 1 ? 1 : cores > WORKERS_MOST ? WORKERS_MOST : (int)cores;
    int started = 0;
    for (size_t n = 0; n < list->count; n++) {
        laboratory.of += chosen[n] ? 1 : 0;
    }
    while (started < wanted && pthread_create(&thread[started], NULL, work, &laboratory) == 0) {
        started++;
    }
    for (int n = 0; n < started; n++) {
        pthread_join(thread[n], NULL);
    }
    return started > 0 && !laboratory.failed && laboratory.done == laboratory.of;
}
