import "../../kit/tokens.css";
import "./meter.css";

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { connected, heard } from "../../kit/net";
import { Status, Tabs, Tools } from "../../kit/parts";
import { route } from "../../kit/route";
import { EnergyView } from "./EnergyView";
import { EventsView } from "./EventsView";
import { LiveView } from "./LiveView";
import { QualityView } from "./QualityView";
import { info, live, problem, start } from "./state";
import { Strip } from "./Strip";
import { SystemView } from "./SystemView";
import { t } from "./words";
import { WiringView } from "./WiringView";

const STALE_MS = 3000;

/** True while values arrive. */
function Freshness() {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, []);
  const fresh = connected.value && performance.now() - heard.value < STALE_MS;
  document.documentElement.classList.toggle("stale", !fresh);
  return fresh ? <Status kind="ok">{t("live_dot")}</Status>
    : <Status kind="warn">{t("stale")}</Status>;
}

function Supply() {
  const supply = live.value?.supply;
  if (supply === undefined) return null;
  if (supply.state === "connected") return <Status kind="ok">{t("relay closed")}</Status>;
  if (supply.state === "disconnected") return <Status kind="alarm">{t("relay open")}</Status>;
  return <Status kind="warn">{t("relay ready")}</Status>;
}

function FirstDay() {
  const p = info.value?.progress;
  if (p === undefined || p.target_us === 0 || p.start_us === 0) return null;
  const share = (p.reached_us - p.start_us) / (p.target_us - p.start_us);
  if (share >= 0.9999 || !(share >= 0)) return null;
  return (
    <div class="first-day" role="progressbar" aria-valuenow={Math.round(share * 100)}>
      <span>{t("metering the first day")} · {(share * 100).toFixed(0)} %</span>
      <div class="bar"><i style={{ width: `${share * 100}%` }} /></div>
    </div>
  );
}

function App() {
  const page = route.value.split("/")[0] || "live";
  return (
    <>
      <h1 class="visually-hidden">Wattkeeper {info.value?.serial ?? ""}</h1>
      <header class="top">
        <div class="top-in">
          <a class="brand" href="#/live">Wattkeeper</a>
          <Tabs active={page} tabs={[["live", t("live")], ["energy", t("energy")],
            ["events", t("events")], ["quality", t("quality tab")], ["wiring", t("wiring")], ["system", t("system")]]} />
          <div class="tools">
            <span class="pill mono">{info.value?.serial ?? "…"}</span>
            <Supply />
            <Freshness />
            <Tools />
          </div>
        </div>
      </header>
      <main class="page">
        {problem.value !== "" && <p class="card">{problem.value}</p>}
        <FirstDay />
        <Strip small={page !== "live"} />
        {page === "live" && <LiveView />}
        {page === "energy" && <EnergyView />}
        {page === "events" && <EventsView />}
        {page === "quality" && <QualityView />}
        {page === "wiring" && <WiringView />}
        {page === "system" && <SystemView />}
      </main>
    </>
  );
}

start();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
