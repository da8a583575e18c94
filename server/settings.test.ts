import { expect, test } from "vitest";
import { ConfigurationError } from "../shared/errors.ts";
import { readDatabaseSettings, readServerSettings } from "./settings.ts";

test("without settings the server listens on 127.0.0.1:8080 and keeps its database under ./data", () => {
  expect(readServerSettings({}, {})).toEqual({
    host: "127.0.0.1",
    port: 8080,
    dataDir: "./data",
    databaseUrl: undefined,
    logLevel: "info",
    telegramApi: "https://api.telegram.org",
  });
});

test("the command line wins over the environment, and an empty variable is no setting", () => {
  const env = { RINGPOST_PORT: "1", RINGPOST_HOST: "", RINGPOST_DATA_DIR: "/e" };
  expect(readServerSettings(env, { port: "0", dataDir: "/f" })).toMatchObject({
    host: "127.0.0.1",
    port: 0,
    dataDir: "/f",
  });
});

const wrong: [Record<string, string>, string][] = [
  [{ RINGPOST_PORT: "abc" }, 'RINGPOST_PORT: found "abc"; allowed: a number from 0 to 65535'],
  [{ RINGPOST_PORT: "65536" }, 'RINGPOST_PORT: found "65536"'],
  [{ RINGPOST_PORT: "-1" }, 'RINGPOST_PORT: found "-1"'],
  [{ RINGPOST_PORT: "80.5" }, 'RINGPOST_PORT: found "80.5"'],
  [{ RINGPOST_HOST: "a b" }, 'RINGPOST_HOST: found "a b"'],
  [{ RINGPOST_DATA_DIR: " " }, "RINGPOST_DATA_DIR: found nothing"],
  [{ RINGPOST_TELEGRAM_API: "api.test" }, 'RINGPOST_TELEGRAM_API: found "api.test"'],
  [{ RINGPOST_LOG_LEVEL: "loud" }, 'RINGPOST_LOG_LEVEL: found "loud"'],
  [{ RINGPOST_PROT: "8080" }, "RINGPOST_PROT: found a setting that does not exist"],
  [{ DATABASE_URL: "mysql://u:hunter2@h/d" }, "DATABASE_URL: found an address that begins with mysql:"],
  [{ DATABASE_URL: "hunter2" }, "DATABASE_URL: found text that is no address"],
];
test.each(wrong)("%j is refused with its name, what was found and what is allowed", (env, words) => {
  let thrown: unknown;
  try {
    readServerSettings(env, {});
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigurationError);
  expect(String(thrown)).toContain(words);
  expect(String(thrown)).not.toContain("hunter2");
});

test("every problem is told at once", () => {
  const env = { RINGPOST_PORT: "x", RINGPOST_HOST: "?" };
  expect(() => readServerSettings(env, {})).toThrow(/RINGPOST_HOST.*\n.*RINGPOST_PORT/);
});

test("commands that only need the database do not mind the server's settings", () => {
  expect(readDatabaseSettings({ RINGPOST_PORT: "x" }, {}).dataDir).toBe("./data");
});
