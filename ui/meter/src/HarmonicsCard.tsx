// The spectrum of one channel over the last 150/180 cycles.
import { signal } from "@preact/signals";

import { clock, fixed } from "../../kit/format";
import { HarmonicBars } from "../../kit/HarmonicBars";
import { Card, Status } from "../../kit/parts";
import type { Quality, Spectrum } from "./qualityState";
import { live } from "./state";
import { t } from "./words";

const COLOURS: Record<string, string> = {
  1: "var(--l1)", 2: "var(--l2)", 3: "var(--l3)", N: "var(--n)",
};

const chosen = signal("U1");
const between = signal(false);

const nameOf = (channel: string) =>
  `${channel.charAt(0)} ${channel.endsWith("N") ? "N" : `L${channel.slice(1)}`}`;

/** Limits count for the voltages of the phases. */
function limitsOf(q: Quality, s: Spectrum): (number | null)[] {
  return s.unit === "V" && s.channel !== "UN" ? q.harmonic_limit_percent : [];
}

function absolute(s: Spectrum, percent: number): string {
  const value = (percent / 100) * s.fundamental;
  return value < 0.1 ? `${fixed(value * 1000, 1)} m${s.unit}` : `${fixed(value, 3)} ${s.unit}`;
}

function describe(q: Quality, s: Spectrum, order: number): string {
  const value = s.harmonic_percent[order] ?? null;
  if (value === null) return `h${order}: –`;
  const limit = limitsOf(q, s)[order] ?? null;
  const inter = s.interharmonic_percent[order] ?? null;
  const power = s.power_w?.[order];
  return [`${t("order")} ${order} (${fixed(order * q.nominal_hz, 0)} Hz): ${fixed(value, 2)} %`,
    absolute(s, value),
    limit === null ? "" : `${t("limit")} ${fixed(limit, 1)} %`,
    between.value && inter !== null && order < s.orders
      ? `${t("up to the next order")} ${fixed(inter, 2)} %` : "",
    power === undefined ? "" : `${fixed(power, 2)} W`].filter((text) => text !== "").join(" · ");
}

function Table(props: { q: Quality; s: Spectrum }) {
  const { q, s } = props;
  const limits = limitsOf(q, s);
  return (
    <details>
      <summary>{t("as a table")}</summary>
      <div class="scroll tall" tabIndex={0} role="region" aria-label={t("as a table")}>
        <table class="mono">
          <thead>
            <tr>
              <th scope="col">{t("order")}</th><th scope="col" class="right">%</th>
              <th scope="col" class="right">{s.unit}</th>
              {limits.length > 0 && <th scope="col" class="right">{t("limit")} %</th>}
              <th scope="col" class="right">{t("interharmonic")} %</th>
              {s.power_w !== null && <th scope="col" class="right">W</th>}
            </tr>
          </thead>
          <tbody>
            {s.harmonic_percent.map((v, order) => (
              <tr>
                <th scope="row">{order === 0 ? "DC" : order}</th>
                <td class="right">{v === null ? "–" : fixed(v, 3)}</td>
                <td class="right">{v === null ? "–" : fixed((v / 100) * s.fundamental, 4)}</td>
                {limits.length > 0 && (
                  <td class="right">{fixedOr(limits[order] ?? null, 1)}</td>
                )}
                <td class="right">{order < s.orders
                  ? fixedOr(s.interharmonic_percent[order] ?? null, 3) : "–"}</td>
                {s.power_w !== null && (
                  <td class="right">{order === 0 ? "–" : fixedOr(s.power_w[order] ?? null, 3)}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

const fixedOr = (v: number | null, decimals: number) => (v === null ? "–" : fixed(v, decimals));

/** What the bars say, in a sentence. */
function Verdict(props: { q: Quality; s: Spectrum }) {
  const limits = limitsOf(props.q, props.s);
  if (limits.length === 0) return null;
  const over = props.s.harmonic_percent.flatMap((v, order) => {
    const limit = limits[order] ?? null;
    return v !== null && limit !== null && v > limit ? [order] : [];
  });
  return over.length === 0 ? <Status kind="ok">{t("harmonics met")}</Status>
    : <Status kind="alarm">{t("harmonics over")} {over.join(", ")}</Status>;
}

export function HarmonicsCard(props: { q: Quality }) {
  const { q } = props;
  const s = q.spectra.find((k) => k.channel === chosen.value) ?? q.spectra[0];
  if (s === undefined)
    return <Card title={t("harmonics")}><p class="empty">{t("not complete yet")}</p></Card>;
  const offset = live.value?.utc_offset_min ?? 0;
  const hasLimits = limitsOf(q, s).length > 0;
  return (
    <Card title={t("harmonics")}
      note={`3 s ${t("until")} ${clock(s.end_us / 1e6, offset, true)} · ${t("fundamental")} ${
        fixed(s.fundamental, 3)} ${s.unit} = 100 %`}>
      <div class="filters" role="group" aria-label={t("channel")}>
        {q.spectra.map((k) => (
          <button aria-pressed={k.channel === s.channel}
            onClick={() => (chosen.value = k.channel)}>{nameOf(k.channel)}</button>
        ))}
        <label class="check">
          <input type="checkbox" checked={between.value}
            onChange={(e) => (between.value = e.currentTarget.checked)} />
          {t("interharmonics")}
        </label>
        <Verdict q={q} s={s} />
      </div>
      <HarmonicBars harmonics={s.harmonic_percent}
        interharmonics={between.value ? s.interharmonic_percent : null}
        limits={limitsOf(q, s)} powers={s.power_w}
        colour={COLOURS[s.channel.slice(1)] ?? "var(--accent)"}
        name={`${t("harmonics")} ${nameOf(s.channel)}`} describe={(order) => describe(q, s, order)}
        hint={t("harmonics hint")} powerTitle={t("harmonic power")} />
      <div class="legend">
        <span><i style={{ background: COLOURS[s.channel.slice(1)] }} />{t("harmonics")}</span>
        {between.value && <span><i style={{ background: "var(--n)" }} />{t("interharmonics")}</span>}
        {hasLimits && <span><i class="line" />{t("limit en50160")}</span>}
      </div>
      <Table q={q} s={s} />
    </Card>
  );
}
