import { describe, expect, it } from "vitest";
import { ConfigurationError } from "./errors.ts";
import { oneOf, readOptions, text, whole, yesOrNo } from "./options.ts";

const schema = {
  server: {
    url: text(/^https?:\/\//, { allowed: "an http(s) URL" }),
    key: text(/^rp_/, { secret: true, allowed: "a site key" }),
  },
  ami: {
    port: whole(1, 65_535, "a port", 5038),
    tls: yesOrNo(false),
    mode: oneOf(["calm", "eager"], "calm"),
  },
};

const good = '[server]\nurl = "https://a"\nkey = "rp_1_x"\n';

function read(toml: string, env: Record<string, string> = {}) {
  return readOptions(schema, { toml, env, envPrefix: "RINGPOST_AGENT_" });
}

function problems(toml: string, env: Record<string, string> = {}) {
  try {
    read(toml, env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe("reading settings", () => {
  it("completes the file with defaults", () => {
    expect(read(good)).toEqual({
      server: { url: "https://a", key: "rp_1_x" },
      ami: { port: 5038, tls: false, mode: "calm" },
    });
  });

  it("lets the environment win and turns its text into the setting's type", () => {
    const env = {
      RINGPOST_AGENT_AMI_PORT: "5039",
      RINGPOST_AGENT_AMI_TLS: "true",
      RINGPOST_AGENT_SERVER_URL: "http://b",
    };
    const options = read(good, env);
    expect(options.ami).toEqual({ port: 5039, tls: true, mode: "calm" });
    expect(options.server.url).toBe("http://b");
  });

  it("names a wrong setting, what was found and what is allowed", () => {
    expect(problems(`${good}[ami]\nport = 70000`)).toEqual([
      { setting: "[ami] port", found: "70000", allowed: "a port, 1 to 65535" },
    ]);
    expect(problems(good, { RINGPOST_AGENT_AMI_PORT: "many" })).toEqual([
      { setting: "RINGPOST_AGENT_AMI_PORT", found: '"many"', allowed: "a port, 1 to 65535" },
    ]);
  });

  it("names the words of a choice", () => {
    expect(problems(`${good}[ami]\nmode = "fast"\ntls = "yes"`)).toEqual([
      { setting: "[ami] tls", found: '"yes"', allowed: "true or false" },
      { setting: "[ami] mode", found: '"fast"', allowed: "calm, eager" },
    ]);
  });

  it("refuses unknown sections, settings and variables", () => {
    const found = problems(`${good}prot = 1\n[amy]\nport = 1`, { RINGPOST_AGENT_AMI_PROT: "1", OTHER: "x" });
    expect(found.map((problem) => problem.setting)).toEqual(["[server] prot", "[amy]", "RINGPOST_AGENT_AMI_PROT"]);
    expect(found[0]?.allowed).toBe("url, key");
  });

  it("names every missing setting at once and the variable that can hold it", () => {
    const found = problems("");
    expect(found.map((problem) => problem.setting)).toEqual(["[server] url", "[server] key"]);
    expect(found[1]?.allowed).toContain("RINGPOST_AGENT_SERVER_KEY");
  });

  it("never shows the value of a secret", () => {
    const [problem] = problems('[server]\nurl = "http://a"\nkey = "hunter2"');
    expect(JSON.stringify(problem)).not.toContain("hunter2");
    expect(problem?.setting).toBe("[server] key");
  });

  it("says on which line the file is not TOML", () => {
    expect(problems('[server]\nurl = "a')[0]?.found).toMatch(/line \d/);
  });
});
