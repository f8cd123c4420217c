/* SPDX-License-Identifier: Apache-2.0 */
#include "management/registers.h"

/* Far above what a window of 10/12 cycles can hold at 1 GW, far below overflow. */
#define STEP_MAX_UWH INT64_C(1000000000000000)
#define TOTAL_MAX    (INT64_MAX - STEP_MAX_UWH)

static bool step_is_good(int64_t step, int64_t total)
{
    return step >= 0 && step <= STEP_MAX_UWH && total <= TOTAL_MAX;
}

static bool energy_is_good(const struct wk_record_energy *energy,
                           const struct wk_registers *registers)
{
    bool good = step_is_good(energy->import_uwh, registers->import_uwh) &&
                step_is_good(energy->export_uwh, registers->export_uwh);
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        good = good && step_is_good(energy->q_uvarh[quadrant], registers->q_uvarh[quadrant]);
    }
    return good;
}

static bool more_is_good(const struct wk_registers *registers,
                         const struct wk_record_window *window)
{
    const struct wk_record_energy *total = &window->total;
    const struct wk_record_energy *withheld = &window->withheld;
    return step_is_good(total->import1_uwh, registers->import1_uwh) &&
           step_is_good(total->export1_uwh, registers->export1_uwh) &&
           step_is_good(total->import_uvah, registers->import_uvah) &&
           step_is_good(total->export_uvah, registers->export_uvah) &&
           step_is_good(withheld->import_uwh, registers->withheld_import_uwh) &&
           step_is_good(withheld->export_uwh, registers->withheld_export_uwh);
}

/* ---- blocks ------------------------------------------------------------------------------ */

wk_err wk_registers_check_blocks(const struct wk_registers_blocks *blocks)
{
    int64_t before_uwh = 0;
    bool ended = false;
    for (int i = 0; i < WK_REGISTERS_BLOCKS - 1; i++) {
        const int64_t threshold_uwh = blocks->threshold_uwh[i];
        ended = ended || threshold_uwh == 0;
        if (threshold_uwh < 0 || (ended && threshold_uwh != 0) ||
            (!ended && threshold_uwh <= before_uwh)) {
            return WK_E_RANGE;
        }
        before_uwh = threshold_uwh;
    }
    return WK_OK;
}

/* What is left of the block in force; INT64_MAX in the last. */
static int64_t left_of(const struct wk_registers_blocks *blocks, int64_t period_uwh,
                       uint8_t *block)
{
    for (*block = 0; *block < WK_REGISTERS_BLOCKS - 1; (*block)++) {
        const int64_t threshold_uwh = blocks->threshold_uwh[*block];
        if (threshold_uwh == 0) {
            break;
        }
        if (period_uwh < threshold_uwh) {
            return threshold_uwh - period_uwh;
        }
    }
    return INT64_MAX;
}

uint8_t wk_registers_block(const struct wk_registers *registers,
                           const struct wk_registers_blocks *blocks)
{
    uint8_t block;
    (void)left_of(blocks, registers->import_uwh - blocks->begin_uwh, &block);
    return block;
}

static void add_blocks(struct wk_registers_rate *rate, const struct wk_registers_blocks *blocks,
                       int64_t period_uwh, int64_t gained_uwh)
{
    while (gained_uwh > 0) { /* at most once per block */
        uint8_t block;
        const int64_t left_uwh = left_of(blocks, period_uwh, &block);
        const int64_t part_uwh = gained_uwh < left_uwh ? gained_uwh : left_uwh;
        rate->block_uwh[block] += part_uwh;
        period_uwh += part_uwh;
        gained_uwh -= part_uwh;
    }
}

/* ---- adding ------------------------------------------------------------------------------ */

static void add_rate(struct wk_registers *registers, const struct wk_record_energy *gained,
                     uint8_t tariff, const struct wk_registers_blocks *blocks)
{
    struct wk_registers_rate *rate = &registers->rate[tariff - 1];
    add_blocks(rate, blocks, registers->import_uwh - blocks->begin_uwh, gained->import_uwh);
    rate->import_uwh += gained->import_uwh;
    rate->export_uwh += gained->export_uwh;
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        rate->q_uvarh[quadrant] += gained->q_uvarh[quadrant];
    }
}

wk_err wk_registers_add(struct wk_registers *registers, const struct wk_record_window *window,
                        uint8_t tariff, const struct wk_registers_blocks *blocks)
{
    bool good =
        tariff >= 1 && tariff <= WK_TARIFF_COUNT && energy_is_good(&window->total, registers);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_record_energy *energy = &window->energy[phase];
        good = good && step_is_good(energy->import_uwh, registers->import_phase_uwh[phase]) &&
               step_is_good(energy->export_uwh, registers->export_phase_uwh[phase]);
    }
    good = good && more_is_good(registers, window);
    if (!good) {
        return WK_E_RANGE;
    }
    add_rate(registers, &window->total, tariff, blocks);
    registers->import_uwh += window->total.import_uwh;
    registers->export_uwh += window->total.export_uwh;
    registers->import1_uwh += window->total.import1_uwh;
    registers->export1_uwh += window->total.export1_uwh;
    registers->import_uvah += window->total.import_uvah;
    registers->export_uvah += window->total.export_uvah;
    registers->withheld_import_uwh += window->withheld.import_uwh;
    registers->withheld_export_uwh += window->withheld.export_uwh;
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        registers->q_uvarh[quadrant] += window->total.q_uvarh[quadrant];
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        registers->import_phase_uwh[phase] += window->energy[phase].import_uwh;
        registers->export_phase_uwh[phase] += window->energy[phase].export_uwh;
    }
    return WK_OK;
}

int64_t wk_registers_reactive_import_uvarh(const struct wk_registers *registers)
{
    return registers->q_uvarh[0] + registers->q_uvarh[1];
}

int64_t wk_registers_reactive_export_uvarh(const struct wk_registers *registers)
{
    return registers->q_uvarh[2] + registers->q_uvarh[3];
}

static void pack_row(struct wk_bytes_out *out, const int64_t *values, int count)
{
    for (int i = 0; i < count; i++) {
        wk_bytes_out_u64le(out, (uint64_t)values[i]);
    }
}

static void unpack_row(struct wk_bytes_in *in, int64_t *values, int count)
{
    for (int i = 0; i < count; i++) {
        values[i] = (int64_t)wk_bytes_in_u64le(in);
    }
}

void wk_registers_pack(const struct wk_registers *registers, struct wk_bytes_out *out)
{
    pack_row(out, &registers->import_uwh, 1);
    pack_row(out, &registers->export_uwh, 1);
    pack_row(out, registers->q_uvarh, 4);
    pack_row(out, registers->import_phase_uwh, WK_RECORD_PHASES);
    pack_row(out, registers->export_phase_uwh, WK_RECORD_PHASES);
    pack_row(out, &registers->import1_uwh, 1);
    pack_row(out, &registers->export1_uwh, 1);
    pack_row(out, &registers->import_uvah, 1);
    pack_row(out, &registers->export_uvah, 1);
    pack_row(out, &registers->withheld_import_uwh, 1);
    pack_row(out, &registers->withheld_export_uwh, 1);
}

void wk_registers_unpack(struct wk_registers *registers, struct wk_bytes_in *in)
{
    unpack_row(in, &registers->import_uwh, 1);
    unpack_row(in, &registers->export_uwh, 1);
    unpack_row(in, registers->q_uvarh, 4);
    unpack_row(in, registers->import_phase_uwh, WK_RECORD_PHASES);
    unpack_row(in, registers->export_phase_uwh, WK_RECORD_PHASES);
    unpack_row(in, &registers->import1_uwh, 1);
    unpack_row(in, &registers->export1_uwh, 1);
    unpack_row(in, &registers->import_uvah, 1);
    unpack_row(in, &registers->export_uvah, 1);
    unpack_row(in, &registers->withheld_import_uwh, 1);
    unpack_row(in, &registers->withheld_export_uwh, 1);
}

void wk_registers_rate_pack(const struct wk_registers_rate *rate, struct wk_bytes_out *out)
{
    pack_row(out, &rate->import_uwh, 1);
    pack_row(out, &rate->export_uwh, 1);
    pack_row(out, rate->q_uvarh, 4);
    pack_row(out, rate->block_uwh, WK_REGISTERS_BLOCKS);
}

void wk_registers_rate_unpack(struct wk_registers_rate *rate, struct wk_bytes_in *in)
{
    unpack_row(in, &rate->import_uwh, 1);
    unpack_row(in, &rate->export_uwh, 1);
    unpack_row(in, rate->q_uvarh, 4);
    unpack_row(in, rate->block_uwh, WK_REGISTERS_BLOCKS);
}

bool wk_registers_agree(const struct wk_registers *registers)
{
    struct wk_registers_rate sum = {0};
    bool agree = true;
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        const struct wk_registers_rate *rate = &registers->rate[i];
        int64_t blocks_uwh = 0;
        for (int block = 0; block < WK_REGISTERS_BLOCKS; block++) {
            agree = agree && rate->block_uwh[block] >= 0;
            blocks_uwh += rate->block_uwh[block];
        }
        sum.import_uwh += rate->import_uwh;
        sum.export_uwh += rate->export_uwh;
        for (int quadrant = 0; quadrant < 4; quadrant++) {
            sum.q_uvarh[quadrant] += rate->q_uvarh[quadrant];
        }
        agree = agree && blocks_uwh == rate->import_uwh;
    }
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        agree = agree && sum.q_uvarh[quadrant] == registers->q_uvarh[quadrant];
    }
    return agree && sum.import_uwh == registers->import_uwh &&
           sum.export_uwh == registers->export_uwh;
}
