/** The words of the emoji comparison in German, by those of the protocol, in its order. */

import { EMOJI } from "../../client/crypto/emoji.ts";

const NAMES = `
Hund, Katze, Löwe, Pferd, Einhorn, Schwein, Elefant, Hase,
Panda, Hahn, Pinguin, Schildkröte, Fisch, Tintenfisch, Schmetterling, Blume,
Baum, Kaktus, Pilz, Weltkugel, Mond, Wolke, Feuer, Banane,
Apfel, Erdbeere, Mais, Pizza, Kuchen, Herz, Lachgesicht, Roboter,
Hut, Brille, Schraubenschlüssel, Weihnachtsmann, Daumen hoch, Regenschirm, Sanduhr, Wecker,
Geschenk, Glühbirne, Buch, Bleistift, Büroklammer, Schere, Schloss, Schlüssel,
Hammer, Telefon, Flagge, Zug, Fahrrad, Flugzeug, Rakete, Pokal,
Ball, Gitarre, Trompete, Glocke, Anker, Kopfhörer, Ordner, Stecknadel`;

const GERMAN = new Map(
  NAMES.split(",").map((name, at) => [EMOJI[at]?.name ?? "", name.trim()] as const),
);

export function emojiDe(name: string): string {
  return GERMAN.get(name) ?? name;
}
