import { useEffect, useState } from "preact/hooks";

import { clock, date, fixed, power } from "../../kit/format";
import type { Bar } from "../../kit/LoadCurve";
import { Legend, LoadCurve } from "../../kit/LoadCurve";
import { getJson } from "../../kit/net";
import { Card } from "../../kit/parts";
import type { Intervals } from "./api";
import { t } from "./words";

const SPANS: [hours: number, label: string][] = [[24, "24 h"], [168, "7 days"], [0, "all"]];

function barsOf(answer: Intervals, hours: number): Bar[] {
  const bit = (name: string) => answer.flag_bits.find((f) => f.name === name)?.bit ?? 0;
  const estimated = bit("estimated");
  const bars = answer.value_u.map((value, k) => ({
    end: answer.from_s + (k + 1) * answer.period_s,
    watts: value === null ? null : (value / 1e6) * (3600 / answer.period_s),
    tariff: answer.tariff[k] ?? 0,
    estimated: (estimated & (answer.flags[k] ?? 0)) !== 0,
  }));
  return hours === 0 ? bars : bars.slice(-Math.round((hours * 3600) / answer.period_s));
}

function download(serial: string, bars: Bar[], periodS: number): void {
  const rows = bars.map((b) => [new Date(b.end * 1000).toISOString(),
    b.watts === null ? "" : ((b.watts * periodS) / 3600).toFixed(6), b.tariff,
    b.estimated ? "estimated" : ""].join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(
    new Blob([["end_utc,wh,tariff,flag", ...rows].join("\n")], { type: "text/csv" }));
  link.download = `${serial}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function CurveCard(props: { serial: string; version: number }) {
  const [answer, setAnswer] = useState<Intervals | null>(null);
  const [hours, setHours] = useState(24);
  useEffect(() => {
    getJson<Intervals>(`/api/meters/${props.serial}/intervals?channel=import`)
      .then(setAnswer, () => undefined);
  }, [props.serial, props.version]);
  const bars = answer === null ? [] : barsOf(answer, hours);
  const period = answer?.period_s ?? 900;
  const offset = answer?.utc_offset_min ?? 0;
  const missing = bars.filter((b) => b.watts === null).length;
  const guessed = bars.filter((b) => b.estimated).length;
  const tariffs = [...new Set(bars.map((b) => b.tariff))].filter((k) => k > 0).sort();
  const most = power(Math.max(...bars.map((b) => b.watts ?? 0), 0));
  const legend: [string, string][] = tariffs.map((k) => [`var(--t${k})`, `T${k}`]);
  if (missing > 0) legend.push(["var(--muted)", `${t("gap")}: ${missing}`]);
  if (guessed > 0) legend.push(["var(--estimate)", `${t("estimated")}: ${guessed}`]);
  return (
    <Card title={t("load curve")} note={
      <span class="choice">
        {SPANS.map(([h, label]) => (
          <button aria-pressed={h === hours} onClick={() => setHours(h)}>{t(label)}</button>
        ))}
        <button onClick={() => download(props.serial, bars, period)}>{t("csv")}</button>
      </span>
    }>
      {bars.length === 0 ? <p class="empty">{t("no readings")}</p> : (
        <>
          <LoadCurve bars={bars} periodS={period} offsetMinutes={offset} height={260}
            hint={`${t("mean power per interval")}. ${t("hint")}`}
            summary={`${t("load curve")}: ${bars.length} × ${period / 60} min, max ${most.value} ${most.unit}`}
            describe={(b) => {
              const p = power(b.watts ?? 0);
              const when = `${date(b.end - 1, offset)} ${clock(b.end - period, offset)}–${
                clock(b.end, offset)}`;
              return b.watts === null ? `${when}: ${t("gap")}`
                : `${when}: ${p.value} ${p.unit}, ${fixed((b.watts * period) / 3.6e6, 3)} kWh, T${
                  b.tariff}${b.estimated ? `, ${t("estimated")}` : ""}`;
            }} />
          <Legend entries={legend} />
        </>
      )}
    </Card>
  );
}
