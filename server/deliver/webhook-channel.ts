import type { Channel } from "./channel.ts";
import { DELIVERY_LIMITS } from "./limits.ts";
import type { Vault } from "./secrets.ts";
import { readEndpoint } from "./settings.ts";
import { eventIdOf, webhookBody } from "./webhook-body.ts";
import { type Sender, webhookSender } from "./webhook-send.ts";

export interface WebhookChannelOptions {
  vault: Vault;
  now: () => number;
  sender?: Sender;
}

/** Webhooks: a target is the name of an integration of the enterprise. */
export function webhookChannel({ vault, now, sender = webhookSender() }: WebhookChannelOptions): Channel {
  return {
    perTargetMax: DELIVERY_LIMITS.perTargetMax,
    async send({ key: { enterpriseId, target }, delivery, told }) {
      const endpoint = readEndpoint(told.settings, target);
      if (endpoint === undefined) {
        return { kind: "dead", error: `the enterprise has no webhook ${target} any more`, noTarget: true };
      }
      const secret = vault.open(endpoint.secret, enterpriseId);
      const body = JSON.stringify(webhookBody(enterpriseId, delivery, told, now()));
      return sender.send({ ...endpoint, secret, id: eventIdOf(delivery), body, now: now() });
    },
  };
}
