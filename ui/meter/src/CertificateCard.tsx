// The certificate of TLS: how long it is good, and what to do next.
import { useEffect, useState } from "preact/hooks";

import { getJson } from "../../kit/net";
import { Card, Status } from "../../kit/parts";
import type { Certificate } from "./api";
import { t } from "./words";

const REFRESH_MS = 5000;

function date(s: number | null): string {
  return s === null ? "–" : new Date(s * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC";
}

function State({ state }: { state: Certificate["state"] }) {
  const kind = state === "good" ? "ok" : state === "ends" || state === "wanted" ? "warn" : "alarm";
  return <Status kind={kind}>{t(`certificate ${state}`)}</Status>;
}

export function CertificateCard() {
  const [certificate, setCertificate] = useState<Certificate | null>(null);
  useEffect(() => {
    let over = false;
    const look = () => getJson<Certificate>("/api/certificate").then(
      (c) => { if (!over) setCertificate(c); }, () => {});
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => { over = true; clearInterval(timer); };
  }, []);
  if (certificate === null || certificate.state === "none") return null;
  const c = certificate;
  return (
    <Card title={t("certificate")} class="s12">
      <p class="summary">{c.words}.</p>
      <dl class="facts">
        <dt>{t("certificate state")}</dt><dd><State state={c.state} /></dd>
        <dt>{t("valid from")}</dt><dd class="mono">{date(c.from_s)}</dd>
        <dt>{t("valid until")}</dt><dd class="mono">{date(c.until_s)}</dd>
        <dt>{t("life left")}</dt><dd>{c.left_percent === null ? "–" : `${c.left_percent} %`}</dd>
        <dt>{t("renewed by")}</dt><dd>{t(c.enrols ? "the meter itself" : "hand")}</dd>
      </dl>
      {c.refused !== null && <p class="advice">{c.refused}</p>}
      {c.request !== null && (
        <details>
          <summary>{t("certificate request")}</summary>
          <pre class="mono request" tabIndex={0}>{c.request}</pre>
        </details>
      )}
    </Card>
  );
}
