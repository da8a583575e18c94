import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { server } from "../server/command.ts";
import { temporaryFolder } from "../support/processes.ts";
import { SECRET_KEY } from "./receiver.ts";
import { TOKEN } from "./telegram-office.ts";
import { openTelegramWorld, type World } from "./telegram-world.ts";

let world: World;
let folder: ReturnType<typeof temporaryFolder>;
let tokenFile: string;
beforeEach(async () => {
  world = await openTelegramWorld();
  folder = temporaryFolder();
  tokenFile = join(folder.path, "token");
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
});
afterEach(async () => {
  folder.remove();
  await world.close();
});

const run = (...args: string[]) =>
  server(args.includes("--lang") ? args : [...args, "--lang", "en"], {
    env: {
      DATABASE_URL: world.office.db.url,
      RINGPOST_SECRET_KEY: SECRET_KEY,
      RINGPOST_TELEGRAM_API: world.api.url,
    },
  });
const set = (...words: string[]) => run("enterprise", "set", "0367", ...words);
const stored = async () =>
  (
    await world.office.rows<{ telegram: Record<string, unknown> }>(
      "SELECT settings -> 'telegram' AS telegram FROM enterprises",
    )
  )[0]!.telegram;

describe("settings of Telegram", () => {
  it("turn it on with a token from a file, kept sealed and never shown", async () => {
    const done = await set(`telegram.token=@${tokenFile}`, "telegram.chat=-100123");
    expect(done).toMatchObject({ status: 0 });
    const telegram = await stored();
    expect(telegram).toMatchObject({ enabled: true, chats: [{ name: "main", chat: "-100123" }] });
    expect(telegram["token"]).toMatch(/^sealed:/);
    const shown = await run("enterprise", "export", "0367");
    expect(`${done.out}${done.err}${shown.out}`).not.toContain(TOKEN.split(":")[1]);
  });

  it("route chats, change and drop them", async () => {
    await set(`telegram.token=@${tokenFile}`, "telegram.chat=-100123/7", "telegram.language=uk");
    await set(
      "telegram.night.chat=@night_shift",
      "telegram.night.only=missed",
      "telegram.night.hours=outside mon-fri 09:00-18:00",
      "telegram.night.types=incoming",
      "telegram.night.dids=0441234567,0441234568",
      "telegram.night.extensions=150",
      "telegram.night.silent=yes",
    );
    await set("telegram.main.only=missed", "telegram.night.dids=all", "telegram.night.hours=always");
    expect(await stored()).toMatchObject({
      language: "uk",
      chats: [
        { name: "main", chat: "-100123", thread: 7, only: "missed" },
        {
          name: "night",
          chat: "@night_shift",
          only: "missed",
          hours: "always",
          types: ["incoming"],
          dids: [],
          silent: true,
        },
      ],
    });
    await set("telegram.night=off", "telegram.main.chat=-100123");
    expect(await stored()).toMatchObject({ chats: [{ name: "main", chat: "-100123", only: "missed" }] });
    expect((await stored())["chats"]).toEqual([{ name: "main", chat: "-100123", only: "missed" }]);
  });

  it("come back from a file as they were exported", async () => {
    await set(
      `telegram.token=@${tokenFile}`,
      "telegram.chat=-100123/7",
      "telegram.late_minutes=30",
      "telegram.b.chat=5",
    );
    const before = await stored();
    const file = join(folder.path, "customers.toml");
    writeFileSync(file, (await run("enterprise", "export", "0367")).out);
    await set("telegram.b=off", "telegram.late_minutes=40");
    expect(await run("enterprise", "import", file)).toMatchObject({ status: 0 });
    expect(await stored()).toEqual(before);
  });

  it.each([
    [`telegram.token=${TOKEN}`, "telegram.token"],
    ["telegram.chat=sales", "telegram.chat"],
    ["telegram.sales.only=missed", "telegram.sales.chat"],
    ["telegram.language=de", "telegram.language"],
    ["telegram.recording_url=ftp://x/{recording}", "telegram.recording_url"],
    ["telegram.late_minutes=-1", "telegram.late_minutes"],
    ["telegram.wrong=1", "telegram.wrong"],
  ])("%s is refused, named, and not repeated when it may be a secret", async (word, named) => {
    const refused = await set(word);
    expect(refused.status).toBe(1);
    expect(refused.err).toContain(named);
    expect(refused.err).not.toContain(TOKEN.split(":")[1]);
  });

  it.each(["hours=sometimes", "types=incoming,wrong", "only=some", "silent=perhaps", "colour=red"])(
    "a chat's %s is refused",
    async (rule) => {
      const refused = await set("telegram.sales.chat=-1", `telegram.sales.${rule}`);
      expect(refused.status).toBe(1);
      expect(refused.err).toContain(`telegram.sales.${rule.split("=")[0]}`);
      expect(await stored()).toBeNull();
    },
  );
});

describe("telegram test", () => {
  const chats = ["telegram.chat=-100123", "telegram.boss.chat=42", "telegram.topic.chat=-100124/9"];

  it("sends a message to each chat and says so", async () => {
    await set(`telegram.token=@${tokenFile}`, ...chats, "telegram.language=ru");
    expect(await run("telegram", "test", "0367")).toMatchObject({
      status: 0,
      err: "",
      out: [
        "bot @r_bot",
        "main -100123: the message is there",
        "boss 42: the message is there",
        "topic -100124/9: the message is there\n",
      ].join("\n"),
    });
    expect(world.api.messages.map(({ chat, thread, text }) => [chat, thread, text])).toEqual([
      ["-100123", null, "Ringpost: проверка. Сюда придут звонки: 0367."],
      ["42", null, "Ringpost: проверка. Сюда придут звонки: 0367."],
      ["-100124", 9, "Ringpost: проверка. Сюда придут звонки: 0367."],
    ]);
  });

  it("tells what is wrong with each and what to do about it, and lets in again what works", async () => {
    await set(`telegram.token=@${tokenFile}`, ...chats);
    await world.office.rows(
      `INSERT INTO delivery_circuits (enterprise_id, channel, target, open_until, problem)
       VALUES ('0367', 'telegram', 'main', 'infinity', '403 was blocked'), ('0367', 'telegram', 'boss', 'infinity', '403 is blocked')`,
    );
    expect((await run("status")).out).toContain("Telegram chat 0367 main: 403 was blocked; see: telegram test");
    const { api } = world;
    api.blocked.add("42");
    api.closedTopics.add("-100124/9");
    api.webhook = "https://other.example/hook";
    const tried = await run("telegram", "test", "0367");
    expect(tried.status).toBe(1);
    expect(tried.err).toContain("2 of 3 chats cannot be told");
    expect(tried.out).toContain("another program takes this bot's updates at https://other.example/hook");
    expect(tried.out).toMatch(/boss 42: 403 Forbidden: bot was blocked by the user\n {2}.*press Start/);
    expect(tried.out).toMatch(/topic -100124\/9: 400 .*thread not found\n {2}the topic is closed or gone/);
    expect(JSON.parse((await run("status", "--json")).out)).toMatchObject({
      telegram: [{ enterprise_id: "0367", target: "boss", refused: true }],
    });
    const metrics = await (await fetch(`${world.server.url}/metrics`)).text();
    expect(metrics).toContain('ringpost_telegram_chat_problem{enterprise="0367",chat="boss"} 1');
  });

  it.each<[string, string, RegExp]>([
    ["a revoked token", "revoked", /401 Unauthorized\n.*@BotFather/],
    ["no answer", "cut", /boss 42: .*\n.*RINGPOST_TELEGRAM_API/],
    ["429", "429", /429 .*\n.*wait 7 s/],
    ["a chat it does not know", "400", /400 .*chat not found\n.*add the bot to it/],
    ["no right to write", "rights", /400 .*not enough rights.*\n.*right to send/],
  ])("names the remedy for %s", async (_, trouble, said) => {
    await set(`telegram.token=@${tokenFile}`, "telegram.boss.chat=42");
    const { api } = world;
    if (trouble === "revoked") api.revoked.add(TOKEN);
    const told = {
      cut: "cut" as const,
      "429": { status: 429, description: "Too Many Requests: retry after 7", parameters: { retry_after: 7 } },
      "400": { status: 400, description: "Bad Request: chat not found" },
      rights: { status: 400, description: "Bad Request: not enough rights to send text messages to the chat" },
    }[trouble];
    if (told !== undefined) api.answer = ({ method }) => (method === "sendMessage" ? told : undefined);
    const tried = await run("telegram", "test", "0367");
    expect(tried.status).toBe(1);
    expect(tried.out).toMatch(said);
  });

  it("as JSON, in Russian, and when there is nothing to test", async () => {
    expect((await run("telegram", "test", "0367")).err).toContain("has no Telegram");
    await set(`telegram.token=@${tokenFile}`, "telegram.boss.chat=42");
    world.api.blocked.add("42");
    const error = "403 Forbidden: bot was blocked by the user";
    const told = JSON.parse((await run("telegram", "test", "0367", "--json")).out) as object;
    expect(told).toEqual({
      enterprise: "0367",
      bot: "r_bot",
      webhook: null,
      chats: [
        { name: "boss", chat: "42", thread: null, ok: false, error, remedy: expect.stringContaining("press Start") },
      ],
    });
    expect((await run("telegram", "test", "0367", "--lang", "ru")).out).toContain("нажмите «Старт»");
  });
});
