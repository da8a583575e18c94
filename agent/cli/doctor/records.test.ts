import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkRecords } from "./records.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ringpost-records-"));
  chmodSync(root, 0o755);
  mkdirSync(join(root, "var/log/asterisk/cdr-csv"), { recursive: true });
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:\nringpost:x:4001:4001::/:\n");
  writeFileSync(join(root, "etc/group"), "asterisk:x:4002:\nringpost:x:4001:\n");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const check = () => checkRecords(join(root, "outbox.db"), root);

describe("whether the agent may read CDR and CEL", () => {
  it("says where it looked when there is none", () => {
    expect(check()).toMatchObject({ result: "warn", found: "none found in /var/log/asterisk" });
  });

  it.skipIf(process.getuid?.() !== 0)(
    "is asked for the agent's user, not for root who asks: by owner, group, mode and folders",
    () => {
      const file = join(root, "var/log/asterisk/cdr-csv/Master.csv");
      writeFileSync(file, "", { mode: 0o640 });
      chownSync(file, 4003, 4002);
      expect(check()).toMatchObject({ result: "warn", found: `${file} is closed to the user ringpost` });
      writeFileSync(join(root, "etc/group"), "asterisk:x:4002:x,ringpost\n");
      expect(check()).toMatchObject({ result: "pass", found: file });
      chmodSync(join(root, "var/log/asterisk"), 0o700);
      expect(check().result).toBe("warn");
    },
  );
});
