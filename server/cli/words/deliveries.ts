/** Texts of `deliveries` and of the settings of webhooks. */
export const deliveriesEn = {
  argWebhookSettings:
    "webhook.NAME.url=..., .events=start,hangup, .secret=new or @FILE, .allow_private=yes; webhook.NAME=off",
  allowedWebhookSetting:
    "webhook.NAME.url=http(s)://..., webhook.NAME.events=start,dial,bridge,hangup, webhook.NAME.secret=new or @FILE, webhook.NAME.allow_private=yes|no, webhook.NAME=off",
  wrongWebhookSetting: (word: string, allowed: string) => `found '${word}'; allowed: ${allowed}`,
  webhookNeedsUrl: (name: string) => `webhook ${name} is new: give its webhook.${name}.url`,
  webhookSecret: (name: string, secret: string) => `webhook ${name}: its secret, shown this once only: ${secret}`,
  aboutDeliveries: "messages to integrations: the newest, the waiting, the dead",
  aboutDeliveriesRetry: "send dead deliveries again",
  argDelivery: "id of a dead delivery",
  optDead: "only those that were given up",
  optWaiting: "only those still to be sent",
  optAllDead: "all that were given up",
  noDeliveries: "no deliveries",
  retryWhat: "give the id of a dead delivery or --all-dead, one of them",
  retried: (count: number) => `${count} to be sent again`,
  noDeadDelivery: (id: number) => `delivery ${id} is not dead; see: deliveries --dead`,
};

export const deliveriesRu: typeof deliveriesEn = {
  argWebhookSettings:
    "webhook.ИМЯ.url=..., .events=start,hangup, .secret=new или @ФАЙЛ, .allow_private=yes; webhook.ИМЯ=off",
  allowedWebhookSetting:
    "webhook.ИМЯ.url=http(s)://..., webhook.ИМЯ.events=start,dial,bridge,hangup, webhook.ИМЯ.secret=new или @ФАЙЛ, webhook.ИМЯ.allow_private=yes|no, webhook.ИМЯ=off",
  wrongWebhookSetting: (word, allowed) => `найдено '${word}'; допустимо: ${allowed}`,
  webhookNeedsUrl: (name) => `вебхук ${name} новый: укажите webhook.${name}.url`,
  webhookSecret: (name, secret) => `вебхук ${name}: его секрет, показан только сейчас: ${secret}`,
  aboutDeliveries: "сообщения интеграциям: новейшие, ждущие, неотправленные",
  aboutDeliveriesRetry: "отправить неотправленные снова",
  argDelivery: "id неотправленного сообщения",
  optDead: "только те, от которых отказались",
  optWaiting: "только ещё не отправленные",
  optAllDead: "все, от которых отказались",
  noDeliveries: "сообщений нет",
  retryWhat: "укажите id сообщения или --all-dead, одно из двух",
  retried: (count) => `будет отправлено снова: ${count}`,
  noDeadDelivery: (id) => `от сообщения ${id} не отказывались; см.: deliveries --dead`,
};
