import { signal } from "@preact/signals";

import { fixed, span, stamp } from "../../kit/format";
import { Card } from "../../kit/parts";
import type { MeterEvent } from "./api";
import { events, live } from "./state";
import { t } from "./words";

const group = signal("all");

function phases(bits: number): string {
  return [1, 2, 3].filter((k) => (bits & (1 << (k - 1))) !== 0).map((k) => `L${k}`).join(" ");
}

/** What value, more and detail mean for this code. */
function details(e: MeterEvent): string {
  if (e.group === "quality") {
    const parts = [phases(e.detail)];
    if (e.value !== 0) parts.push(`${fixed(e.value / 1000, 1)} V`);
    if (e.more !== 0) parts.push(span(e.more));
    return parts.join(" · ");
  }
  if (e.code === 2 && e.value > 0) return span(e.value * 1000);
  if (e.code === 5) return `${e.value >= 0 ? "+" : "\u2212"}${span(Math.abs(e.value) * 1000)}`;
  if (e.code === 14) return `${e.value}`;
  if (e.code === 46) return `${e.value}×`;
  return "";
}

export function EventRows(props: { events: MeterEvent[] }) {
  const offset = live.value?.utc_offset_min ?? 0;
  if (props.events.length === 0) return <p class="empty">{t("no events")}</p>;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr><th>{t("when")}</th><th>{t("what")}</th><th>{t("group")}</th>
            <th class="right">{t("details")}</th></tr>
        </thead>
        <tbody>
          {props.events.map((e) => (
            <tr key={e.seq}>
              <td class="nowrap">{stamp(e.at_s, offset)}</td>
              <td>{e.text}</td>
              <td class="muted">{t(e.group)}</td>
              <td class="right nowrap">{details(e)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function EventsView() {
  const groups = ["all", ...new Set(events.value.map((e) => e.group))];
  const shown = events.value.filter((e) => group.value === "all" || e.group === group.value);
  return (
    <Card title={t("events")} note={`${shown.length}`}>
      <div class="filters">
        {groups.map((g) => (
          <button aria-pressed={g === group.value} onClick={() => (group.value = g)}>{t(g)}</button>
        ))}
      </div>
      <EventRows events={shown} />
    </Card>
  );
}
