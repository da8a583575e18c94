import { createServer, type Server, type Socket } from "node:net";

/** One login's view of the fake: what it was asked, and a way to say things. */
export interface FakeClient {
  socket: Socket;
  actions: Record<string, string>[];
  /** Sends lines as one AMI message. */
  say(lines: string[]): void;
}

export interface FakeAmiOptions {
  greeting?: string | null;
  /** Answers an action; undefined leaves it to the defaults, null to silence. */
  answer?: (action: Record<string, string>, client: FakeClient) => string[] | null | undefined;
  onConnect?: (socket: Socket) => void;
}

/** A small AMI that can be made to misbehave. The stand-in under test/support/pbx replays calls; this one breaks things. */
export class FakeAmi {
  readonly #server: Server;
  readonly clients: FakeClient[] = [];
  connections = 0;
  options: FakeAmiOptions;
  port = 0;
  #wakers: (() => void)[] = [];

  constructor(options: FakeAmiOptions = {}) {
    this.options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(options: FakeAmiOptions = {}): Promise<FakeAmi> {
    const fake = new FakeAmi(options);
    await fake.listen(0);
    return fake;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(port, "127.0.0.1", () => done()));
    const address = this.#server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The client that has logged in for the nth time (from 1) and asked for its snapshot. */
  async ready(nth = 1): Promise<FakeClient> {
    for (;;) {
      const client = this.clients.filter(({ actions }) => actions.some(({ Action }) => Action === "Status"))[nth - 1];
      if (client !== undefined) return client;
      await new Promise<void>((wake) => this.#wakers.push(wake));
    }
  }

  async stop(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #serve(socket: Socket): void {
    this.connections++;
    socket.on("error", () => socket.destroy());
    const client: FakeClient = {
      socket,
      actions: [],
      say: (lines) => void socket.write(`${lines.join("\r\n")}\r\n\r\n`),
    };
    this.clients.push(client);
    this.options.onConnect?.(socket);
    const greeting = this.options.greeting === undefined ? "Asterisk Call Manager/11.0.0\r\n" : this.options.greeting;
    if (greeting !== null) socket.write(greeting);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        this.#obey(client, text.slice(0, end));
        text = text.slice(end + 4);
      }
    });
  }

  #obey(client: FakeClient, text: string): void {
    const action = Object.fromEntries(text.split("\r\n").map((line) => line.split(": ", 2) as [string, string]));
    client.actions.push(action);
    const answer = this.options.answer?.(action, client);
    const lines = answer === undefined ? this.#usual(action) : answer;
    const id = action["ActionID"] === undefined ? [] : [`ActionID: ${action["ActionID"]}`];
    if (lines !== null) client.say([lines[0] ?? "Response: Success", ...id, ...lines.slice(1)]);
    if (answer === undefined) this.#lists(client, action, id);
    for (const wake of this.#wakers.splice(0)) wake();
  }

  #usual({ Action }: Record<string, string>): string[] {
    if (Action === "CoreSettings") return ["Response: Success", "AMIversion: 11.0.0", "AsteriskVersion: 22.10.0"];
    if (Action === "CoreStatus")
      return ["Response: Success", "CoreStartupDate: 2026-01-02", "CoreStartupTime: 03:04:05"];
    return ["Response: Success"];
  }

  #lists(client: FakeClient, { Action }: Record<string, string>, id: string[]): void {
    if (Action === "CoreShowChannels")
      client.say(["Event: CoreShowChannelsComplete", ...id, "EventList: Complete", "ListItems: 0"]);
    if (Action === "Status") client.say(["Event: StatusComplete", ...id, "EventList: Complete", "Items: 0"]);
  }
}
