import "../../kit/tokens.css";
import "./headend.css";

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { connected } from "../../kit/net";
import { Status, Tools } from "../../kit/parts";
import { route } from "../../kit/route";
import { FleetView } from "./FleetView";
import { MeterView } from "./MeterView";
import { problem, start } from "./state";
import { t } from "./words";

function Freshness() {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return connected.value ? <Status kind="ok">{t("live_dot")}</Status>
    : <Status kind="warn">{t("stale")}</Status>;
}

function App() {
  const [page, serial] = route.value.split("/");
  return (
    <>
      <h1 class="visually-hidden">Wattkeeper head-end</h1>
      <header class="top">
        <div class="top-in">
          <a class="brand" href="#/">Wattkeeper</a>
          <nav class="tabs">
            <a href="#/" aria-current={page === "meter" ? undefined : "page"}>{t("fleet")}</a>
            {page === "meter" && (
              <a href={`#/meter/${serial}`} aria-current="page" class="mono">{serial}</a>
            )}
          </nav>
          <div class="tools"><Freshness /><Tools /></div>
        </div>
      </header>
      <main class="page">
        {problem.value !== "" && <p class="card">{problem.value}</p>}
        {page === "meter" && serial !== undefined
          ? <MeterView serial={serial} key={serial} /> : <FleetView />}
      </main>
    </>
  );
}

start();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
