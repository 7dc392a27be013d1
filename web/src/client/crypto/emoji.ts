/** The table of Matrix's short authentication strings: 64 pictures that are distinguished by words. */

export interface Emoji {
  readonly picture: string;
  readonly name: string;
}

const TABLE = `
🐶 Dog, 🐱 Cat, 🦁 Lion, 🐎 Horse, 🦄 Unicorn, 🐷 Pig, 🐘 Elephant, 🐰 Rabbit,
🐼 Panda, 🐓 Rooster, 🐧 Penguin, 🐢 Turtle, 🐟 Fish, 🐙 Octopus, 🦋 Butterfly, 🌷 Flower,
🌳 Tree, 🌵 Cactus, 🍄 Mushroom, 🌏 Globe, 🌙 Moon, ☁️ Cloud, 🔥 Fire, 🍌 Banana,
🍎 Apple, 🍓 Strawberry, 🌽 Corn, 🍕 Pizza, 🎂 Cake, ❤️ Heart, 😀 Smiley, 🤖 Robot,
🎩 Hat, 👓 Glasses, 🔧 Spanner, 🎅 Santa, 👍 Thumbs Up, ☂️ Umbrella, ⌛ Hourglass, ⏰ Clock,
🎁 Gift, 💡 Light Bulb, 📕 Book, ✏️ Pencil, 📎 Paperclip, ✂️ Scissors, 🔒 Lock, 🔑 Key,
🔨 Hammer, ☎️ Telephone, 🏁 Flag, 🚂 Train, 🚲 Bicycle, ✈️ Aeroplane, 🚀 Rocket, 🏆 Trophy,
⚽ Ball, 🎸 Guitar, 🎺 Trumpet, 🔔 Bell, ⚓ Anchor, 🎧 Headphones, 📁 Folder, 📌 Pin`;

export const EMOJI: readonly Emoji[] = TABLE.split(",").map((entry) => {
  const [picture = "", ...name] = entry.trim().split(" ");
  return { picture, name: name.join(" ") };
});

/** Seven pictures from the first 42 bits of `bytes`, 6 bits each. */
export function emojiOf(bytes: Uint8Array): Emoji[] {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return [0, 1, 2, 3, 4, 5, 6].map((at) => {
    const found = EMOJI[Number.parseInt(bits.slice(at * 6, at * 6 + 6), 2)];
    if (found === undefined) throw new RangeError("an emoji comparison needs 6 bytes");
    return found;
  });
}
