import type { Channel } from "./channel.ts";
import { DELIVERY_LIMITS } from "./limits.ts";
import type { Vault } from "./secrets.ts";
import { readEndpoint } from "./settings.ts";
import { eventIdOf, webhookBody } from "./webhook-body.ts";
import { sendWebhook } from "./webhook-send.ts";

/** Webhooks: a target is the name of an integration of the enterprise. */
export function webhookChannel({ vault, now }: { vault: Vault; now: () => number }): Channel {
  return {
    perTargetMax: DELIVERY_LIMITS.perTargetMax,
    async send({ key: { enterpriseId, target }, delivery, told }) {
      const endpoint = readEndpoint(told.settings, target);
      if (endpoint === undefined) {
        return { kind: "dead", error: `the enterprise has no webhook ${target} any more` };
      }
      const secret = vault.open(endpoint.secret, enterpriseId);
      const body = JSON.stringify(webhookBody(enterpriseId, delivery, told, now()));
      return sendWebhook({ ...endpoint, secret, id: eventIdOf(delivery), body, now: now() });
    },
  };
}
