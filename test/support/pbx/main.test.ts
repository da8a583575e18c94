import { afterEach, expect, it } from "vitest";
import { start, stopEverything } from "../processes.ts";
import { TestClient } from "./client.ts";
import { DEMO_USER } from "./pbx.ts";

const SCRIPT = "test/support/pbx/main.ts";

afterEach(() => stopEverything());

it("runs as a process: waits for a client, plays what it was told to, ends on SIGTERM with status 0", async () => {
  const pbx = start(SCRIPT, [
    "--port",
    "0",
    "--captures",
    "test/scenarios/22",
    "--play",
    "incoming_busy",
    "--speed",
    "full",
  ]);
  const [, port] = await pbx.line(/^ready 127\.0\.0\.1:(\d+)$/);
  const played = pbx.line(/^played all$/);
  const client = await TestClient.login(Number(port), DEMO_USER);
  await client.ask("CoreShowChannels", {}, "ListItems: 0\r\n");
  await client.ask("Status", {}, "Items: 0\r\n");
  await played;
  await client.until((text) => text.includes("Event: Hangup\r\n"));
  expect(await pbx.stop()).toEqual({ code: 0, signal: null });
});

it("takes its AMI secret from the environment only", async () => {
  const pbx = start(SCRIPT, ["--port", "0"], { RINGPOST_PBX_SECRET: "another" });
  const [, port] = await pbx.line(/^ready 127\.0\.0\.1:(\d+)$/);
  const client = await TestClient.login(Number(port), DEMO_USER);
  expect(client.received).toContain("Authentication failed");
});

it("refuses a number that is none", async () => {
  const pbx = start(SCRIPT, ["--port", "many"]);
  expect((await pbx.exited).code).toBe(1);
  expect(pbx.output).toContain("It must be a number");
});
