import { fixed } from "../../kit/format";
import { Card } from "../../kit/parts";
import { CertificateCard } from "./CertificateCard";
import { LinkCard } from "./LinkCard";
import { info } from "./state";
import { t } from "./words";

export function SystemView() {
  const i = info.value;
  if (i === null) return <p class="empty">{t("waiting")}</p>;
  return (
    <>
      <Card title={t("identity")} class="s6">
        <dl class="facts">
          <dt>{t("serial")}</dt><dd class="mono">{i.serial}</dd>
          <dt>{t("logical name")}</dt><dd class="mono">{i.logical_name}</dd>
          <dt>{t("management")}</dt><dd>{i.firmware}</dd>
          <dt>{t("metrology")}</dt><dd>{i.metrology}</dd>
          <dt>{t("calendar")}</dt><dd>{i.calendar}</dd>
          <dt>{t("period")}</dt><dd>{i.period_s / 60} min</dd>
          <dt>{t("dlms")}</dt><dd class="mono">{i.dlms_host}:{i.dlms_port}</dd>
        </dl>
      </Card>
      <Card title={t("records")} class="s6">
        <dl class="facts">
          <dt>{t("counted")}</dt><dd>{fixed(i.records.consumed, 0)}</dd>
          <dt>{t("repeated")}</dt><dd>{fixed(i.records.repeated, 0)}</dd>
          <dt>{t("backlog")}</dt><dd>{fixed(i.records.backlog, 0)}</dd>
          <dt>{t("power failures")}</dt><dd>{i.power_failures}</dd>
          <dt>{t("failed logins")}</dt><dd>{i.security.failed_logins}</dd>
          <dt>{t("replays")}</dt><dd>{i.security.replays}</dd>
          <dt>{t("undeciphered")}</dt><dd>{i.security.not_deciphered}</dd>
        </dl>
      </Card>
      <CertificateCard />
      <LinkCard />
    </>
  );
}
