// How the meter reaches its head-end, and what to do where it does not.
import { useEffect, useState } from "preact/hooks";

import { fixed } from "../../kit/format";
import { getJson } from "../../kit/net";
import { Card, Status } from "../../kit/parts";
import type { LineModem, Link, LinkPath, Modem, Wifi } from "./api";
import { t } from "./words";

const REFRESH_MS = 2000;

function rate(bps: number): string {
  return bps >= 1e6 ? `${fixed(bps / 1e6, 1)} Mbit/s` : `${fixed(bps / 1e3, 0)} kbit/s`;
}

// "NB-IoT, band 20, Operator: online, RSRP -95 dBm, RSRQ -10.5 dB"
function radio(modem: Modem): string {
  const where = [modem.cell.technology, modem.cell.band === null ? null : `band ${modem.cell.band}`,
                 modem.cell.network || modem.model];
  const { rsrp_dbm, rsrq_db, sinr_db } = modem.signal;
  const how = [modem.state,
               rsrp_dbm === null ? null : `RSRP ${fixed(rsrp_dbm, 0)} dBm`,
               rsrq_db === null ? null : `RSRQ ${fixed(rsrq_db, 1)} dB`,
               sinr_db === null ? null : `SINR ${fixed(sinr_db, 0)} dB`];
  const text = (words: (string | null)[]) => words.filter((w) => w).join(", ");
  return `${text(where)}: ${text(how)}`;
}

// "radio, channel 3, mode 1 of 3, level -6 dB: -91 dBm here and -97 dBm there, noise -114 dBm, 85 %"
function line(modem: LineModem): string {
  const level = (value: number | null) => (value === null ? "–" : `${fixed(value, 0)} ${modem.unit}`);
  const text = `${t(modem.medium)}, ${t("channel")} ${modem.channel}, ${t("line mode")} ${modem.mode}, `
    + `${t("transmit level")} -${modem.below_db} dB: ${t("signal")} ${level(modem.near.signal)} / `
    + `${level(modem.far.signal)}, ${t("noise")} ${level(modem.near.noise)}`;
  return modem.quality_percent === null ? text : `${text}, ${modem.quality_percent} %`;
}

// "Wi-Fi Workshop, channel 36: signal -67 dBm, noise -95 dBm, 66 %"
function wireless(wifi: Wifi): string {
  if (!wifi.connected) return `Wi-Fi: ${t("path down")}`;
  const where = ["Wi-Fi " + wifi.ssid, wifi.channel === null ? null : `${t("channel")} ${wifi.channel}`];
  const how = [wifi.signal_dbm === null ? null : `${t("signal")} ${fixed(wifi.signal_dbm, 0)} dBm`,
               wifi.noise_dbm === null ? null : `${t("noise")} ${fixed(wifi.noise_dbm, 0)} dBm`,
               wifi.quality_percent === null ? null : `${wifi.quality_percent} %`];
  return [where, how].map((words) => words.filter((w) => w).join(", ")).filter((w) => w).join(": ");
}

function State({ path }: { path: LinkPath }) {
  if (path.state === "down") return <Status kind="alarm">{t("path down")}</Status>;
  if (path.state === "suspect") return <Status kind="warn">{t("path suspect")}</Status>;
  if (path.state === "asleep") return <Status kind="ok">{t("path asleep")}</Status>;
  return <Status kind="ok">{path.in_use ? t("path in use") : t("path ready")}</Status>;
}

function Path({ path }: { path: LinkPath }) {
  const up = path.state === "up";
  return (
    <>
      <tr>
        <th scope="row">{path.name}</th>
        <td>{path.to}</td>
        <td><State path={path} /></td>
        <td>{up ? rate(path.rate_bps) : "–"}</td>
        <td>{up ? `${fixed(path.rtt_ms, 0)} ms` : "–"}</td>
        <td>{up ? `${fixed(path.delivery_percent, 0)} %` : "–"}</td>
        <td>{fixed(path.octets / 1e3, 0)} kB</td>
      </tr>
      {path.modem !== null && <tr><td colSpan={7}>{radio(path.modem)}</td></tr>}
      {path.line_modem !== null && <tr><td colSpan={7}>{line(path.line_modem)}</td></tr>}
      {path.wifi !== null && <tr><td colSpan={7}>{wireless(path.wifi)}</td></tr>}
      {path.advice !== null && <tr><td colSpan={7} class="advice">{path.advice}</td></tr>}
    </>
  );
}

export function LinkCard() {
  const [link, setLink] = useState<Link | null>(null);
  useEffect(() => {
    let over = false;
    const look = () => getJson<Link>("/api/link").then((l) => { if (!over) setLink(l); }, () => {});
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => { over = true; clearInterval(timer); };
  }, []);
  if (link === null || !link.configured) return null;
  return (
    <Card title={t("link")} class="s12">
      <p class="summary">{link.summary}</p>
      <div class="scroll links" tabIndex={0} role="region" aria-label={t("link")}>
        <table class="mono">
          <thead>
            <tr>
              <th scope="col">{t("path")}</th><th scope="col">{t("head-end")}</th>
              <th scope="col">{t("path state")}</th><th scope="col">{t("rate")}</th>
              <th scope="col">{t("round trip")}</th>
              <th scope="col">{t("delivered")}</th>
              <th scope="col">{t("sent")}</th>
            </tr>
          </thead>
          <tbody>{link.paths.map((p) => <Path key={p.name} path={p} />)}</tbody>
        </table>
      </div>
      <div class="scroll links" tabIndex={0} role="region" aria-label={t("streams")}>
        <table class="mono">
          <thead>
            <tr>
              <th scope="col">{t("stream")}</th><th scope="col">{t("class")}</th>
              <th scope="col">{t("acknowledged")}</th>
              <th scope="col">{t("waiting_records")}</th>
              <th scope="col">{t("missing")}</th>
            </tr>
          </thead>
          <tbody>
            {link.streams.filter((s) => s.next > 0).map((s) => (
              <tr key={s.obis}>
                <th scope="row">{s.name}</th><td>{t(s.class)}</td>
                <td>{fixed(s.acknowledged, 0)}</td>
                <td>{fixed(s.waiting, 0)}</td>
                <td>{fixed(s.missing, 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
