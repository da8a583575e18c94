import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The smallest AMI client, for tests of the stand-in itself: sends actions, keeps every byte that came. */
export class TestClient {
  received = "";
  closed = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (bytes) => (this.received += bytes.toString("latin1")));
    this.socket.on("error", () => this.socket.destroy());
    this.socket.on("close", () => (this.closed = true));
  }

  /** Connects and logs in; answers are awaited. */
  static async login(port: number, user: { username: string; secret: string }): Promise<TestClient> {
    const client = new TestClient(port);
    await once(client.socket, "connect");
    await client.ask("Login", { Username: user.username, Secret: user.secret });
    return client;
  }

  /** Sends an action and waits for the text of its answer, up to and including `until`. */
  async ask(action: string, headers: Record<string, string> = {}, until = "\r\n\r\n"): Promise<string> {
    const from = this.received.length;
    const rest = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`Action: ${action}\r\nActionID: ${action}-1\r\n${rest.join("")}\r\n`);
    await this.until((text) => text.indexOf(until, text.indexOf(`ActionID: ${action}-1`, from)) > from);
    return this.received.slice(from);
  }

  async until(holds: (received: string) => boolean, timeoutMs = 5_000): Promise<void> {
    const until = Date.now() + timeoutMs;
    while (!holds(this.received)) {
      if (Date.now() > until)
        throw new Error(`Not received within ${timeoutMs} ms; last: ${this.received.slice(-300)}`);
      await sleep(5);
    }
  }

  /** The events received, each a text without its closing empty line. */
  get events(): string[] {
    return this.received.split("\r\n\r\n").filter((block) => block.trimStart().startsWith("Event: "));
  }

  close(): void {
    this.socket.destroy();
  }
}
