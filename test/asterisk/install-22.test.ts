import { installs } from "./installs.ts";

installs("22");
