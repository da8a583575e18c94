import { plays } from "./plays.ts";

plays("22");
