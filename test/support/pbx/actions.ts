import { createHash, randomInt } from "node:crypto";
import type { ChannelTable } from "./channels.ts";
import { covers, parseEventMask, type AmiUser } from "./rights.ts";

/** The client who asks, as far as an answer concerns it. */
export interface Client {
  readonly user: AmiUser | null;
  /** Actions asked for and answered since the login. */
  readonly asked: Set<string>;
  send(text: string): void;
  login(user: AmiUser): void;
  setMask(classes: readonly string[]): void;
  /** Closes once everything is sent. */
  end(): void;
}

/** What the answers are made from. */
export interface ActionWorld {
  readonly amiVersion: string;
  readonly asteriskVersion: string;
  readonly channels: ChannelTable;
  /** When this Asterisk process began, epoch seconds. */
  readonly bootedAtSeconds: number;
  readonly users: readonly AmiUser[];
  readonly refuseLogins: boolean;
  now(): number;
}

type Action = ReadonlyMap<string, string>;
type Answer = (session: Client, action: Action, world: ActionWorld) => void;

/** Any one of these classes in `write` allows the action; an empty list allows everybody who is logged in. */
const ACTIONS: Record<string, { needs: readonly string[]; run: Answer }> = {
  ping: { needs: [], run: ping },
  events: { needs: [], run: events },
  corestatus: { needs: ["system", "reporting"], run: coreStatus },
  coresettings: { needs: ["system", "reporting"], run: coreSettings },
  coreshowchannels: { needs: ["system", "reporting"], run: coreShowChannels },
  status: { needs: ["system", "call", "reporting"], run: status },
  devicestatelist: { needs: ["call", "reporting"], run: deviceStateList },
  pjsipshowendpoints: { needs: ["system"], run: noEndpoints },
  command: { needs: ["command"], run: command },
};

/** Answers one action as Asterisk does; before the login only Challenge, Login and Logoff are heard. */
export function answer(session: Client, action: Action, world: ActionWorld): void {
  const name = (action.get("action") ?? "").toLowerCase();
  if (name === "logoff") return logoff(session, action);
  if (name === "challenge") return challenge(session, action);
  if (name === "login") return login(session, action, world);
  const known = ACTIONS[name];
  if (session.user === null) return fail(session, action, "Permission denied");
  if (known === undefined) {
    const asked = action.get("action") ?? "";
    const message = `Invalid/unknown command: ${asked}. Use Action: ListCommands to show available commands.`;
    return fail(session, action, asked === "" ? "Missing action in request" : message);
  }
  const allowed = known.needs.length === 0 || known.needs.some((need) => covers(session.user!.write, need));
  if (!allowed) return fail(session, action, "Permission denied");
  known.run(session, action, world);
  session.asked.add(name);
}

const challenges = new WeakMap<Client, string>();

function challenge(session: Client, action: Action): void {
  if ((action.get("authtype") ?? "").toUpperCase() !== "MD5") {
    return fail(session, action, "Must specify AuthType");
  }
  const nonce = String(randomInt(100_000_000, 999_999_999));
  challenges.set(session, nonce);
  respond(session, action, { Challenge: nonce });
}

function login(session: Client, action: Action, world: ActionWorld): void {
  const user = world.users.find((candidate) => candidate.username === action.get("username"));
  if (world.refuseLogins || user === undefined || !secretMatches(session, action, user)) {
    fail(session, action, "Authentication failed");
    return session.end();
  }
  const mask = parseEventMask(action.get("events") ?? "");
  if (mask !== undefined) session.setMask(mask);
  session.login(user);
  respond(session, action, { Message: "Authentication accepted" });
  if (covers(user.read, "system") && (mask === undefined || covers(mask, "system"))) {
    session.send(fullyBooted(uptime(world)));
  }
}

function secretMatches(session: Client, action: Action, user: AmiUser): boolean {
  const nonce = challenges.get(session);
  if ((action.get("authtype") ?? "").toUpperCase() !== "MD5") return action.get("secret") === user.secret;
  const expected = createHash("md5")
    .update(`${nonce ?? ""}${user.secret}`)
    .digest("hex");
  return nonce !== undefined && action.get("key") === expected;
}

function logoff(session: Client, action: Action): void {
  session.send(`Response: Goodbye\r\n${idLine(action)}Message: Thanks for all the fish.\r\n\r\n`);
  session.end();
}

function ping(session: Client, action: Action, world: ActionWorld): void {
  respond(session, action, { Ping: "Pong", Timestamp: `${(world.now() / 1000).toFixed(3)}000` });
}

function events(session: Client, action: Action): void {
  const mask = parseEventMask(action.get("eventmask") ?? "");
  if (mask === undefined) return fail(session, action, "Invalid event mask");
  session.setMask(mask);
  respond(session, action, { Events: mask.length === 0 ? "Off" : "On" });
}

function coreStatus(session: Client, action: Action, world: ActionWorld): void {
  const [date, time] = localDateTime(world.bootedAtSeconds);
  respond(session, action, {
    CoreStartupDate: date,
    CoreStartupTime: time,
    CoreReloadDate: date,
    CoreReloadTime: time,
    CoreCurrentCalls: String(world.channels.size),
  });
}

function coreSettings(session: Client, action: Action, world: ActionWorld): void {
  respond(session, action, {
    AMIversion: world.amiVersion,
    AsteriskVersion: world.asteriskVersion,
    SystemName: "",
    CoreMaxCalls: "0",
    CoreMaxLoadAvg: "0.000000",
    CoreRunUser: "asterisk",
    CoreRunGroup: "asterisk",
    CoreMaxFilehandles: "0",
    CoreRealTimeEnabled: "No",
    CoreCDRenabled: "Yes",
    CoreHTTPenabled: "No",
  });
}

function coreShowChannels(session: Client, action: Action, world: ActionWorld): void {
  const items = world.channels.coreShowChannels(action.get("actionid") ?? "", world.now());
  list(session, action, { message: "Channels will follow", complete: "CoreShowChannelsComplete", items });
}

function status(session: Client, action: Action, world: ActionWorld): void {
  const items = world.channels.status(action.get("actionid") ?? "", world.now());
  list(session, action, { message: "Channel status will follow", complete: "StatusComplete", items, count: true });
}

function deviceStateList(session: Client, action: Action, world: ActionWorld): void {
  const items = world.channels.deviceStates(action.get("actionid") ?? "");
  list(session, action, { message: "Device States will follow", complete: "DeviceStateListComplete", items });
}

function noEndpoints(session: Client, action: Action): void {
  fail(session, action, "No endpoints found");
}

function command(session: Client, action: Action): void {
  fail(session, action, `No such command '${action.get("command") ?? ""}' (type 'core show help ' for other commands)`);
}

interface List {
  message: string;
  complete: string;
  items: readonly string[];
  /** Status repeats the number as Items. */
  count?: boolean;
}

function list(session: Client, action: Action, { message, complete, items, count }: List): void {
  respond(session, action, { EventList: "start", Message: message });
  for (const item of items) session.send(item);
  const total = `ListItems: ${items.length}\r\n${count === true ? `Items: ${items.length}\r\n` : ""}`;
  session.send(`Event: ${complete}\r\n${idLine(action)}EventList: Complete\r\n${total}\r\n`);
}

function respond(session: Client, action: Action, headers: Record<string, string>): void {
  const rest = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  session.send(`Response: Success\r\n${idLine(action)}${rest.join("")}\r\n`);
}

function fail(session: Client, action: Action, message: string): void {
  session.send(`Response: Error\r\n${idLine(action)}Message: ${message}\r\n\r\n`);
}

function idLine(action: Action): string {
  const id = action.get("actionid");
  return id === undefined ? "" : `ActionID: ${id}\r\n`;
}

function fullyBooted(seconds: number): string {
  const times = `Uptime: ${seconds}\r\nLastReload: ${seconds}\r\n`;
  return `Event: FullyBooted\r\nPrivilege: system,all\r\n${times}Status: Fully Booted\r\n\r\n`;
}

function uptime(world: ActionWorld): number {
  return Math.max(0, Math.floor(world.now() / 1000) - world.bootedAtSeconds);
}

/** CoreStatus speaks in the PBX's local time. */
function localDateTime(seconds: number): [string, string] {
  const at = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return [date, `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`];
}
