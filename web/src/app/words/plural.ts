/** The form of a word that fits a number, by the rules of its language (CLDR, in Intl). */

const rules = new Map<string, Intl.PluralRules>();

type Forms = Partial<Record<Intl.LDMLPluralRule, string>>;

export function plural(language: string, n: number, forms: Forms): string {
  let found = rules.get(language);
  if (found === undefined) {
    found = new Intl.PluralRules(language);
    rules.set(language, found);
  }
  return forms[found.select(n)] ?? forms.other ?? "";
}
