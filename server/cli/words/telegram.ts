/** Texts of `telegram` and of its settings. */
export const telegramEn = {
  allowedTelegramSetting:
    "telegram.token=@FILE, .enabled=yes|no, .language=en|ru|uk, .chat=ID or ID/TOPIC, .recording_url=https://.../{recording}, " +
    ".callback_hours=24, .late_minutes=120, .downloaded_hangup_age_max_seconds=3600; " +
    "telegram.NAME.chat=ID, .types=incoming,outgoing,internal|all, .dids=...|all, .extensions=...|all, .only=missed|all, " +
    '.hours="mon-fri 09:00-18:00; sat 10:00-14:00", .hours="outside mon-fri 09:00-18:00", .hours=always, .silent=yes|no; telegram.NAME=off',
  telegramNeedsChat: (name: string) => `chat ${name} is new: give its telegram.${name}.chat`,
  aboutTelegram: "chats in Telegram that are told of calls",
  aboutTelegramTest: "send a test message to each chat of a customer, and tell what came of it",
  telegramOff: (id: string) =>
    `enterprise ${id} has no Telegram; set it: enterprise set ${id} telegram.token=@FILE telegram.chat=ID`,
  telegramBot: (name: string) => `bot @${name}`,
  telegramTold: "the message is there",
  telegramFailed: (count: number, total: number) => `${count} of ${total} chats cannot be told`,
  telegramWebhook: (url: string) =>
    `another program takes this bot's updates at ${url}: buttons do nothing until it lets go (deleteWebhook), or make a bot for Ringpost alone`,
  remedyUnauthorized: "the token is not valid: take it from @BotFather (/mybots, API Token), telegram.token=@FILE",
  remedyBlocked: "that person blocked the bot or never wrote to it: open the bot in Telegram and press Start",
  remedyKicked: "the bot was put out of this chat: add it again",
  remedyNoChat:
    "no such chat for this bot: add the bot to it; groups have ids like -1001234567890; a person must press Start in the bot first",
  remedyRights: "the bot may not write here: give it the right to send messages; in a channel make it an administrator",
  remedyTopic:
    "the topic is closed or gone: open it, or set another with ID/TOPIC; until then the general topic is told",
  remedyAway:
    "the Bot API could not be reached: check the network, the proxy and RINGPOST_TELEGRAM_API, then run this again",
  remedyThrottled: (seconds: number) =>
    `too many messages: wait ${seconds} s; Ringpost itself keeps to the pace Telegram allows`,
  remedyOther: "Telegram says why; run this again after seeing to it",
  telegramProblem: (chat: string, problem: string) => `Telegram chat ${chat}: ${problem}; see: telegram test`,
};

export const telegramRu: typeof telegramEn = {
  allowedTelegramSetting:
    "telegram.token=@ФАЙЛ, .enabled=yes|no, .language=en|ru|uk, .chat=ID или ID/ТЕМА, .recording_url=https://.../{recording}, " +
    ".callback_hours=24, .late_minutes=120, .downloaded_hangup_age_max_seconds=3600; " +
    "telegram.ИМЯ.chat=ID, .types=incoming,outgoing,internal|all, .dids=...|all, .extensions=...|all, .only=missed|all, " +
    '.hours="mon-fri 09:00-18:00; sat 10:00-14:00", .hours="outside mon-fri 09:00-18:00", .hours=always, .silent=yes|no; telegram.ИМЯ=off',
  telegramNeedsChat: (name) => `чат ${name} новый: укажите telegram.${name}.chat`,
  aboutTelegram: "чаты Telegram, куда сообщают о звонках",
  aboutTelegramTest: "отправить проверочное сообщение в каждый чат предприятия и рассказать, что вышло",
  telegramOff: (id) =>
    `у предприятия ${id} нет Telegram; включить: enterprise set ${id} telegram.token=@ФАЙЛ telegram.chat=ID`,
  telegramBot: (name) => `бот @${name}`,
  telegramTold: "сообщение доставлено",
  telegramFailed: (count, total) => `не доставлено в чаты: ${count} из ${total}`,
  telegramWebhook: (url) =>
    `обновления этого бота забирает другая программа по адресу ${url}: кнопки не действуют, пока она их не отпустит (deleteWebhook); или заведите для Ringpost отдельного бота`,
  remedyUnauthorized: "токен недействителен: возьмите его у @BotFather (/mybots, API Token), telegram.token=@ФАЙЛ",
  remedyBlocked: "человек заблокировал бота или ни разу ему не писал: откройте бота в Telegram и нажмите «Старт»",
  remedyKicked: "бота удалили из этого чата: добавьте его снова",
  remedyNoChat:
    "такого чата у бота нет: добавьте бота в чат; id групп вида -1001234567890; человек должен сначала нажать «Старт» в боте",
  remedyRights: "боту нельзя здесь писать: дайте право отправлять сообщения; в канале сделайте его администратором",
  remedyTopic: "тема закрыта или удалена: откройте её или укажите другую, ID/ТЕМА; пока сообщения идут в общую",
  remedyAway: "до Bot API не достучаться: проверьте сеть, прокси и RINGPOST_TELEGRAM_API, затем повторите",
  remedyThrottled: (seconds) => `слишком много сообщений: подождите ${seconds} с; сам Ringpost держит разрешённый темп`,
  remedyOther: "причину назвал Telegram; устраните её и повторите",
  telegramProblem: (chat, problem) => `чат Telegram ${chat}: ${problem}; см.: telegram test`,
};
