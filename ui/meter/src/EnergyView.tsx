import { useEffect, useState } from "preact/hooks";

import { kwh } from "../../kit/format";
import { getJson } from "../../kit/net";
import { Card } from "../../kit/parts";
import type { Register } from "./api";
import { Curve } from "./Curve";
import { entries, live } from "./state";
import { t } from "./words";

const REFRESH_MS = 2000;

function csv(): string {
  const rows = entries.value.map((e) =>
    [new Date(e.end_s * 1000).toISOString(), e.status, e.import_uwh, e.export_uwh,
      ...e.tariff_import_uwh].join(","));
  return ["end_utc,status,import_uwh,export_uwh,t1_uwh,t2_uwh,t3_uwh,t4_uwh", ...rows].join("\n");
}

function download(): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = "load-profile.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

function isActiveTariff(obis: string): boolean {
  return obis === `1.8.${live.value?.tariff ?? 0}`;
}

export function EnergyView() {
  const [registers, setRegisters] = useState<Register[]>([]);
  useEffect(() => {
    const read = () => getJson<{ registers: Register[] }>("/api/registers")
      .then((a) => setRegisters(a.registers), () => undefined);
    read();
    const timer = setInterval(read, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <Card title={t("load curve")} class="s7"
        note={<a href="#/energy" onClick={download}>{t("download csv")}</a>}>
        <Curve last={672} height={380} />
      </Card>
      <Card title={t("registers")} class="s5" note={t("as on the display")}>
        <table>
          <tbody>
            {registers.map((r) => (
              <tr class={isActiveTariff(r.obis) ? "now" : undefined}>
                <td class="mono">{r.obis}</td>
                <td>{r.name}</td>
                <td class="right nowrap"><span class="digits">{kwh(r.value_micro)}</span>{" "}
                  <span class="muted">k{r.unit}</span></td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
    </>
  );
}
