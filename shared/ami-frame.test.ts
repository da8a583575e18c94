import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader } from "./ami-frame.ts";

const text = (frames: { text: string }[]) => frames.map((frame) => frame.text);

function inPieces(bytes: Buffer, sizes: readonly number[], reader = new FrameReader()) {
  const frames = [];
  let at = 0;
  for (let piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length] ?? 1;
    frames.push(...reader.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return frames;
}

describe("cutting the byte stream into frames", () => {
  it("gives the same frames however the bytes are cut, with characters and line ends across chunks", () => {
    const bytes = Buffer.from("Event: A\r\nName: Öльга 🎧\r\n\r\n\r\nEvent: B\r\nX: \r\n\r\nEvent: C\r\n\r\n");
    const whole = text(new FrameReader().push(bytes));
    expect(whole).toEqual(["Event: A\r\nName: Öльга 🎧", "Event: B\r\nX: ", "Event: C"]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
        expect(text(inPieces(bytes, sizes))).toEqual(whole);
      }),
    );
  });

  it("skips extra empty lines between events, also when they come in another chunk", () => {
    const reader = new FrameReader();
    expect(text(reader.push(Buffer.from("Event: A\r\n\r\n")))).toEqual(["Event: A"]);
    expect(text(reader.push(Buffer.from("\r\n\r\nEvent: B\r\n\r\n")))).toEqual(["Event: B"]);
  });

  it("turns invalid bytes into U+FFFD and goes on", () => {
    const bytes = Buffer.concat([
      Buffer.from("Event: A\r\nN: "),
      Buffer.from([0xff, 0xc3]),
      Buffer.from("\r\n\r\nEvent: B\r\n\r\n"),
    ]);
    expect(text(new FrameReader().push(bytes))).toEqual(["Event: A\r\nN: \ufffd\ufffd", "Event: B"]);
  });

  it("passes a value of 1 MB whole", () => {
    const value = "x".repeat(1024 * 1024);
    const frames = inPieces(Buffer.from(`Event: VarSet\r\nValue: ${value}\r\n\r\n`), [65_536]);
    expect(frames).toEqual([{ text: `Event: VarSet\r\nValue: ${value}`, droppedBytes: 0 }]);
  });

  it("keeps the beginning of an oversized event, counts the rest, and reads the next one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 90, max: 1000 }), (piece, length) => {
        const big = `Event: VarSet\r\nValue: ${"y".repeat(length)}`;
        const frames = inPieces(Buffer.from(`${big}\r\n\r\nEvent: B\r\n\r\n`), [piece], new FrameReader(100));
        expect(frames).toEqual([
          { text: big.slice(0, 100), droppedBytes: big.length - 100 },
          { text: "Event: B", droppedBytes: 0 },
        ]);
      }),
    );
  });

  it("keeps no more than its bound of a line that never ends", () => {
    const reader = new FrameReader(1000);
    for (let chunk = 0; chunk < 1000; chunk++) reader.push(Buffer.alloc(65_536, "z"));
    expect(reader.keptBytes).toBeLessThanOrEqual(1000);
  });
});
