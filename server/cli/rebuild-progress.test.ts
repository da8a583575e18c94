import { expect, it } from "vitest";
import { messagesFor } from "./messages.ts";
import { RebuildProgress } from "./rebuild-progress.ts";

function shower({ json = false, terminal = true } = {}): {
  shown: RebuildProgress;
  written: string[];
  pass(ms: number): void;
} {
  let now = 0;
  const written: string[] = [];
  const output = { terminal, write: (text: string) => void written.push(text), clock: () => now };
  return { shown: new RebuildProgress(messagesFor("en", {}), json, output), written, pass: (ms) => (now += ms) };
}

it("a terminal sees one line with a bar, drawn twice a second at most and taken away for what is printed", () => {
  const { shown, written, pass } = shower();
  pass(1000);
  shown.show(50, 200);
  pass(100);
  shown.show(60, 200);
  shown.clear();
  shown.clear();
  shown.show(200, 200);
  expect(written).toEqual([
    "\r\u001b[K[######..................] 50 of 200 calls  3 s left",
    "\r\u001b[K",
    "\r\u001b[K[########################] 200 of 200 calls",
  ]);
});

it("machines see JSON lines, a file nothing", () => {
  const machine = shower({ json: true });
  machine.pass(2000);
  machine.shown.show(100, 400);
  machine.shown.clear();
  expect(machine.written).toEqual(['{"type":"progress","calls":100,"total":400,"rate":50,"seconds_left":6}\n']);
  const file = shower({ terminal: false });
  file.shown.show(1, 1);
  expect(file.written).toEqual([]);
});
