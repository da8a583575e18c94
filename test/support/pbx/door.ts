import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What a client meets at the port: AMI, a web server, noise, or nobody who speaks. */
export type DoorAnswer = "ami" | "http" | "garbage" | "silence";

const HTTP =
  "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<h1>400</h1>\r\n";
const GARBAGE = Buffer.from(Array.from({ length: 512 }, (_, n) => (n * 167 + 13) % 256));

/** The listening socket: can be closed and opened again on the same port. */
export class Door {
  answer: DoorAnswer = "ami";
  #server: Server | null = null;
  #port = 0;
  readonly #strangers = new Set<Socket>();
  readonly #host: string;
  readonly #welcome: (socket: Socket) => void;

  constructor(host: string, welcome: (socket: Socket) => void) {
    this.#host = host;
    this.#welcome = welcome;
  }

  get port(): number {
    return this.#port;
  }

  async open(port: number): Promise<void> {
    this.#server = createServer((socket) => this.#meet(socket));
    this.#server.listen(port, this.#host);
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Stops accepting; AMI sessions are the caller's to end. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#strangers) socket.destroy();
    server?.close();
    // The port is free once the handle is closed, which does not wait for the connections.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #meet(socket: Socket): void {
    if (this.answer === "ami") return this.#welcome(socket);
    this.#strangers.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#strangers.delete(socket));
    socket.resume();
    if (this.answer === "http") socket.end(HTTP);
    if (this.answer === "garbage") socket.write(GARBAGE);
  }
}
