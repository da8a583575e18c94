import { connect, type Socket } from "node:net";

const ANSWER_MS_MAX = 5_000;

export interface AmiLogin {
  port: number;
  user: string;
  secret: string;
  /** The address the connection comes from. */
  from?: string;
}

/** Logs in, asks for each action, and tells what Asterisk said to each: `Login` first. Stops when the login is refused. */
export async function askAmi(login: AmiLogin, actions: readonly (readonly string[])[]): Promise<Map<string, string>> {
  const asked = [["Action: Login", `Username: ${login.user}`, `Secret: ${login.secret}`, "Events: off"], ...actions];
  const socket = connect({ port: login.port, host: "127.0.0.1", localAddress: login.from ?? "127.0.0.1" });
  const said = new Map<string, string>();
  try {
    const replies = readReplies(socket);
    for (const [n, lines] of asked.entries()) {
      socket.write(`${[...lines, `ActionID: q${n}`].join("\r\n")}\r\n\r\n`);
      const reply = await replies(`q${n}`);
      const name = (lines[0] ?? "").replace("Action: ", "");
      said.set(name, reply);
      if (name === "Login" && !reply.startsWith("Success")) break;
    }
    return said;
  } finally {
    socket.destroy();
  }
}

/** `Success`, or `Error: why`, of the reply to one ActionID. */
function readReplies(socket: Socket): (id: string) => Promise<string> {
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return async (id) => {
    for (let waitedMs = 0; waitedMs < ANSWER_MS_MAX; waitedMs += 10) {
      const gone = socket.destroyed;
      const block = text
        .split("\r\n\r\n")
        .find((one) => one.includes(`ActionID: ${id}\r\n`) && one.includes("Response: "));
      if (block !== undefined) return told(block);
      if (gone) break;
      await new Promise((done) => setTimeout(done, 10));
    }
    throw new Error(`AMI gave no answer to ${id}; it said: ${text.slice(-500)}`);
  };
}

function told(block: string): string {
  const value = (name: string) => new RegExp(`^${name}: (.*?)\\r?$`, "m").exec(block)?.[1] ?? "";
  return value("Response") === "Error" ? `Error: ${value("Message")}` : value("Response");
}
