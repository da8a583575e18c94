import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChatLines, type Served } from "./chat-lines.ts";

const CHAT = { enterpriseId: "0367", target: "office" };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Lines whose looks answer one after the other as given; then that nothing waits. */
function lines(...answers: Served[]) {
  const looks: number[] = [];
  const serve = async (): Promise<Served> => {
    looks.push(Date.now());
    return answers.shift() ?? { waitMs: null };
  };
  return { looks, chats: new ChatLines({ serve, waitMsMax: 5_000 }) };
}

describe("the line of a chat", () => {
  it("rests after a message: who is woken meanwhile looks once, when the rest is over", async () => {
    const { looks, chats } = lines({ waitMs: 1_000, paused: true, idle: true });
    chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(0);
    for (let nth = 0; nth < 5; nth++) chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(999);
    expect(looks).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(looks).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(2);
  });

  it("does not look again after the rest when nothing is known to wait", async () => {
    const { looks, chats } = lines({ waitMs: 1_000, paused: true, idle: true });
    chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(1);
    chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(0);
    expect(looks).toHaveLength(2);
  });

  it("does when there is more, and after a pause of the chat", async () => {
    const { looks, chats } = lines({ waitMs: 1_000, paused: true, idle: false }, { waitMs: 9_000, paused: true });
    chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(looks).toHaveLength(3);
  });

  it("woken while its message goes out it waits for the end of the rest, not for the sweep", async () => {
    const looks: number[] = [];
    const chats = new ChatLines({
      serve: async () => {
        looks.push(Date.now());
        if (looks.length > 1) return { waitMs: null };
        chats.wake(CHAT);
        return { waitMs: 1_000, paused: true, idle: true };
      },
      waitMsMax: 5_000,
    });
    chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(999);
    expect(looks).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(looks).toHaveLength(2);
  });

  it("lets what is more urgent look while something can wait", async () => {
    const { looks, chats } = lines({ waitMs: 4_000 });
    chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(100);
    chats.wake(CHAT);
    await vi.advanceTimersByTimeAsync(0);
    expect(looks).toHaveLength(2);
  });
});
