import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came, but getUpdates. */
export interface BotRequest {
  at: number;
  token: string;
  method: string;
  body: Record<string, unknown>;
  /** What it was answered; null: never. */
  status: number | null;
}

export interface BotMessage {
  chat: string;
  id: number;
  thread: number | null;
  quiet: boolean;
  /** The first, then what each edit made of it. */
  texts: string[];
  text: string;
  button: { text: string; callback_data: string } | null;
}

/** An answer other than the usual. `hang`: the request is done, but never answered; `cut`: the connection ends instead. */
export type BotAnswer =
  | { status: number; description: string; parameters?: Record<string, unknown> }
  | "hang"
  | "cut"
  | undefined;

/** A stand-in for the Bot API: keeps every message, answers as the real one, holds its limits and tells who broke them. */
export interface BotApi {
  url: string;
  requests: BotRequest[];
  messages: BotMessage[];
  /** What no well-behaved bot does. */
  violations: string[];
  /** How many ask for updates at this moment, by token. */
  polling(token: string): number;
  /** Decides before the usual answer. */
  answer: (request: BotRequest) => BotAnswer;
  blocked: Set<string>;
  /** Old id of a group to its new one. */
  moved: Map<string, string>;
  /** `chat/thread`. */
  closedTopics: Set<string>;
  /** Tokens that are none (any more). */
  revoked: Set<string>;
  press(message: BotMessage, who?: { id: number; first_name: string; last_name?: string }): void;
  update(token: string, update: Record<string, unknown>): void;
  answered: string[];
  /** Where another program takes the updates; "": nowhere. */
  webhook: string;
  close(): Promise<void>;
}

interface State {
  api: BotApi;
  sent: Map<string, number[]>;
  updates: Map<string, { update_id: number }[]>;
  polls: Map<string, number>;
  wake: Set<() => void>;
  next: { message: number; update: number };
}

export async function openBotApi(): Promise<BotApi> {
  const state: State = {
    api: emptyApi(),
    sent: new Map(),
    updates: new Map(),
    polls: new Map(),
    wake: new Set(),
    next: { message: 1, update: 1 },
  };
  const { api } = state;
  const server = createServer((request, response) => void receive(state, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  api.polling = (token) => state.polls.get(token) ?? 0;
  api.update = (token, update) => {
    const queue = state.updates.get(token) ?? [];
    state.updates.set(token, [...queue, { update_id: state.next.update++, ...update }]);
    for (const wake of state.wake) wake();
  };
  api.press = (message, from = { id: 77, first_name: "Ivan" }) => {
    const token = api.requests.find(({ body }) => String(body["chat_id"]) === message.chat)!.token;
    const told = { message_id: message.id, chat: { id: Number(message.chat), type: "supergroup" }, date: 0 };
    const data = message.button!.callback_data;
    api.update(token, { callback_query: { id: `press-${state.next.update}`, from, message: told, data } });
  };
  api.close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return api;
}

function emptyApi(): BotApi {
  const nothing = (): void => undefined;
  return {
    url: "",
    requests: [],
    messages: [],
    violations: [],
    answered: [],
    webhook: "",
    polling: () => 0,
    answer: () => undefined,
    blocked: new Set(),
    moved: new Map(),
    closedTopics: new Set(),
    revoked: new Set(),
    press: nothing,
    update: nothing,
    close: () => Promise.resolve(),
  };
}

async function receive(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const [, token = "", method = ""] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? "") ?? [];
  const body = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>;
  if (method === "getUpdates" && !state.api.revoked.has(token)) return giveUpdates(state, token, body, response);
  const kept: BotRequest = { at: performance.now(), token, method, body, status: null };
  state.api.requests.push(kept);
  const answer = state.api.answer(kept);
  if (answer === "cut") return void request.socket.destroy();
  if (answer !== undefined && answer !== "hang") return reply(kept, response, answer);
  const usual = answerTo(state, kept);
  if (answer !== "hang") reply(kept, response, usual);
}

type Reply = { status: number; description?: string; parameters?: Record<string, unknown>; result?: unknown };

function reply(request: BotRequest, response: ServerResponse, { status, ...told }: Reply): void {
  request.status = status;
  const failed = { ok: false, error_code: status, ...told };
  const text = JSON.stringify(status === 200 ? { ok: true, ...told } : failed);
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}

const refused = (status: number, description: string, parameters?: Record<string, unknown>): Reply =>
  parameters === undefined ? { status, description } : { status, description, parameters };

function answerTo(state: State, request: BotRequest): Reply {
  const { api } = state;
  if (api.revoked.has(request.token)) return refused(401, "Unauthorized");
  switch (request.method) {
    case "getMe":
      return {
        status: 200,
        result: { id: Number(request.token.split(":")[0]), is_bot: true, first_name: "R", username: "r_bot" },
      };
    case "getWebhookInfo":
      return { status: 200, result: { url: api.webhook, has_custom_certificate: false, pending_update_count: 0 } };
    case "answerCallbackQuery":
      api.answered.push(String(request.body["text"]));
      return { status: 200, result: true };
    case "sendMessage":
    case "editMessageText":
      return inChat(state, request);
    default:
      return refused(404, "Not Found");
  }
}

function inChat(state: State, request: BotRequest): Reply {
  const { api } = state;
  const chat = String(request.body["chat_id"]);
  const tooMany = countAgainst(state, request, chat);
  if (tooMany !== undefined) return tooMany;
  const moved = api.moved.get(chat);
  if (moved !== undefined) {
    const told = "Bad Request: group chat was upgraded to a supergroup chat";
    return refused(400, told, { migrate_to_chat_id: Number(moved) });
  }
  if (api.blocked.has(chat)) return refused(403, "Forbidden: bot was blocked by the user");
  return request.method === "sendMessage" ? send(state, request, chat) : edit(api, request, chat);
}

function send({ api, next }: State, { body }: BotRequest, chat: string): Reply {
  const thread = typeof body["message_thread_id"] === "number" ? body["message_thread_id"] : null;
  if (api.closedTopics.has(`${chat}/${thread}`)) return refused(400, "Bad Request: message thread not found");
  const wrong = checkText(api, body);
  if (wrong !== undefined) return wrong;
  const text = String(body["text"]);
  const quiet = body["disable_notification"] === true;
  const message = { chat, id: next.message++, thread, quiet, texts: [text], text, button: buttonOf(body) };
  api.messages.push(message);
  return {
    status: 200,
    result: { message_id: message.id, date: 0, chat: { id: Number(chat), type: "supergroup" }, text },
  };
}

function edit(api: BotApi, { body }: BotRequest, chat: string): Reply {
  const message = api.messages.find((one) => one.chat === chat && one.id === body["message_id"]);
  if (message === undefined) return refused(400, "Bad Request: message to edit not found");
  const wrong = checkText(api, body);
  if (wrong !== undefined) return wrong;
  const text = String(body["text"]);
  const button = buttonOf(body);
  if (text === message.text && JSON.stringify(button) === JSON.stringify(message.button)) {
    return refused(
      400,
      "Bad Request: message is not modified: specified new message content and reply markup are exactly the same",
    );
  }
  Object.assign(message, { text, button, texts: [...message.texts, text] });
  return { status: 200, result: { message_id: message.id, date: 0, chat: { id: Number(chat) }, text } };
}

function buttonOf(body: Record<string, unknown>): BotMessage["button"] {
  const markup = body["reply_markup"] as { inline_keyboard?: BotMessage["button"][][] } | string | undefined;
  const read = typeof markup === "string" ? (JSON.parse(markup) as Exclude<typeof markup, string>) : markup;
  return read?.inline_keyboard?.[0]?.[0] ?? null;
}

/** Only the tags a card may have, each closed. */
function checkText(api: BotApi, { text, parse_mode: mode }: Record<string, unknown>): Reply | undefined {
  const plain = String(text).replace(/<(b|a)( href="[^"<>]*")?>[^<>]*<\/\1>/g, "");
  const broken = mode === "HTML" && /[<>]|&(?!(amp|lt|gt|quot);)/.test(plain);
  if (!broken && String(text).length <= 4096) return undefined;
  api.violations.push(`unreadable text: ${String(text)}`);
  return refused(400, "Bad Request: can't parse entities");
}

/** About a second: the real one is no clock either. */
const CHAT_GAP_MS = 950;

/** About a message a second in a chat, 20 a minute in a group, 30 a second of the bot (told by two: a busy machine stalls). */
function countAgainst({ api, sent }: State, { at, token }: BotRequest, chat: string): Reply | undefined {
  const inChat = sent.get(`${token} ${chat}`) ?? [];
  const ofBot = sent.get(token) ?? [];
  const within = (times: readonly number[], ms: number) => times.filter((time) => time > at - ms).length;
  const isGroup = chat.startsWith("-") || chat.startsWith("@");
  const broken = [
    ...(within(inChat, CHAT_GAP_MS) >= 1 ? [`two messages within a second in chat ${chat}`] : []),
    ...(isGroup && within(inChat, 60_000) >= 20 ? [`more than 20 messages within a minute in group ${chat}`] : []),
    ...(within(ofBot, 2_000) >= 60 ? [`more than 60 messages within two seconds of bot ${token.split(":")[0]}`] : []),
  ];
  sent.set(`${token} ${chat}`, [...inChat.filter((time) => time > at - 60_000), at]);
  sent.set(token, [...ofBot.filter((time) => time > at - 2_000), at]);
  if (broken.length === 0) return undefined;
  api.violations.push(...broken);
  return refused(429, "Too Many Requests: retry after 3", { retry_after: 3 });
}

async function giveUpdates(
  state: State,
  token: string,
  { offset = 0, timeout = 0 }: { offset?: number; timeout?: number },
  response: ServerResponse,
): Promise<void> {
  const waiting = () => (state.updates.get(token) ?? []).filter(({ update_id: id }) => id >= offset);
  state.updates.set(token, waiting());
  const others = state.polls.get(token) ?? 0;
  if (others > 0 && timeout > 0) state.api.violations.push(`two ask for the updates of ${token.split(":")[0]}`);
  state.polls.set(token, others + 1);
  await untilSomething(state, response, () => waiting().length > 0, timeout * 1000);
  state.polls.set(token, (state.polls.get(token) ?? 1) - 1);
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ok: true, result: waiting() }));
}

function untilSomething(state: State, response: ServerResponse, there: () => boolean, msMax: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      state.wake.delete(look);
      resolve();
    };
    const timer = setTimeout(done, msMax);
    const look = (): void => void (there() && done());
    state.wake.add(look);
    response.once("close", done);
    look();
  });
}
