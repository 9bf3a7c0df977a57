#include "datasets/shipped/translation_words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

const Noun translation_people[] = {
    {"man", "men", "Mann", "Männer", MASCULINE, NULL},
    {"woman", "women", "Frau", "Frauen", FEMININE, NULL},
    {"child", "children", "Kind", "Kinder", NEUTER, NULL},
    {"boy", "boys", "Junge", "Jungen", MASCULINE, "Jungen"},
    {"girl", "girls", "Mädchen", "Mädchen", NEUTER, NULL},
    {"teacher", "teachers", "Lehrer", "Lehrer", MASCULINE, NULL},
    {"neighbour", "neighbours", "Nachbarin", "Nachbarinnen", FEMININE, NULL},
    {"farmer", "farmers", "Bauer", "Bauern", MASCULINE, "Bauern"},
    {"doctor", "doctors", "Ärztin", "Ärztinnen", FEMININE, NULL},
    {"guest", "guests", "Gast", "Gäste", MASCULINE, NULL},
    {"sister", "sisters", "Schwester", "Schwestern", FEMININE, NULL},
    {"brother", "brothers", "Bruder", "Brüder", MASCULINE, NULL},
    {"pupil", "pupils", "Schülerin", "Schülerinnen", FEMININE, NULL},
    {"judge", "judges", "Richter", "Richter", MASCULINE, NULL},
    {"dog", "dogs", "Hund", "Hunde", MASCULINE, NULL},
    {"cat", "cats", "Katze", "Katzen", FEMININE, NULL},
    {"horse", "horses", "Pferd", "Pferde", NEUTER, NULL},
    {"bear", "bears", "Bär", "Bären", MASCULINE, "Bären"},
};
const size_t n_translation_people = COUNT(translation_people);

const Noun translation_things[] = {
    {"house", "houses", "Haus", "Häuser", NEUTER, NULL},
    {"table", "tables", "Tisch", "Tische", MASCULINE, NULL},
    {"lamp", "lamps", "Lampe", "Lampen", FEMININE, NULL},
    {"book", "books", "Buch", "Bücher", NEUTER, NULL},
    {"letter", "letters", "Brief", "Briefe", MASCULINE, NULL},
    {"key", "keys", "Schlüssel", "Schlüssel", MASCULINE, NULL},
    {"bottle", "bottles", "Flasche", "Flaschen", FEMININE, NULL},
    {"bicycle", "bicycles", "Fahrrad", "Fahrräder", NEUTER, NULL},
    {"apple", "apples", "Apfel", "Äpfel", MASCULINE, NULL},
    {"flower", "flowers", "Blume", "Blumen", FEMININE, NULL},
    {"picture", "pictures", "Bild", "Bilder", NEUTER, NULL},
    {"chair", "chairs", "Stuhl", "Stühle", MASCULINE, NULL},
    {"clock", "clocks", "Uhr", "Uhren", FEMININE, NULL},
    {"boat", "boats", "Boot", "Boote", NEUTER, NULL},
    {"hat", "hats", "Hut", "Hüte", MASCULINE, NULL},
    {"bag", "bags", "Tasche", "Taschen", FEMININE, NULL},
    {"knife", "knives", "Messer", "Messer", NEUTER, NULL},
    {"fish", "fish", "Fisch", "Fische", MASCULINE, NULL},
    {"map", "maps", "Karte", "Karten", FEMININE, NULL},
    {"egg", "eggs", "Ei", "Eier", NEUTER, NULL},
};
const size_t n_translation_things = COUNT(translation_things);

// Those that only take endings in German.
const Word translation_adjectives[] = {
    {"small", "klein"}, {"big", "groß"},  {"old", "alt"},   {"new", "neu"},   {"red", "rot"},
    {"green", "grün"},  {"blue", "blau"}, {"cold", "kalt"}, {"warm", "warm"}, {"quick", "schnell"},
    {"quiet", "still"}, {"fat", "dick"},  {"thin", "dünn"}, {"wet", "nass"},
};
const size_t n_translation_adjectives = COUNT(translation_adjectives);

const Word translation_times[] = {
    {"today", "heute"},         {"now", "jetzt"},           {"often", "oft"},
    {"on Monday", "am Montag"}, {"in summer", "im Sommer"}, {"in the evening", "am Abend"},
    {"every day", "jeden Tag"}, {"at noon", "am Mittag"},
};
const size_t n_translation_times = COUNT(translation_times);

const Word translation_numbers[] = {
    {"two", "zwei"},   {"three", "drei"},   {"four", "vier"},      {"five", "fünf"},
    {"six", "sechs"},  {"seven", "sieben"}, {"eight", "acht"},     {"nine", "neun"},
    {"eleven", "elf"}, {"twelve", "zwölf"}, {"twenty", "zwanzig"},
};
const size_t n_translation_numbers = COUNT(translation_numbers);

const Verb translation_deeds[] = {
    {"sees", "see", "seen", "sieht", "sehen", "gesehen"},
    {"buys", "buy", "bought", "kauft", "kaufen", "gekauft"},
    {"sells", "sell", "sold", "verkauft", "verkaufen", "verkauft"},
    {"finds", "find", "found", "findet", "finden", "gefunden"},
    {"loses", "lose", "lost", "verliert", "verlieren", "verloren"},
    {"carries", "carry", "carried", "trägt", "tragen", "getragen"},
    {"paints", "paint", "painted", "malt", "malen", "gemalt"},
    {"washes", "wash", "washed", "wäscht", "waschen", "gewaschen"},
    {"takes", "take", "taken", "nimmt", "nehmen", "genommen"},
    {"forgets", "forget", "forgotten", "vergisst", "vergessen", "vergessen"},
    {"pulls", "pull", "pulled", "zieht", "ziehen", "gezogen"},
    {"counts", "count", "counted", "zählt", "zählen", "gezählt"},
};
const size_t n_translation_deeds = COUNT(translation_deeds);

const Verb translation_gifts[] = {
    {"gives", "give", "given", "gibt", "geben", "gegeben"},
    {"shows", "show", "shown", "zeigt", "zeigen", "gezeigt"},
    {"brings", "bring", "brought", "bringt", "bringen", "gebracht"},
    {"lends", "lend", "lent", "leiht", "leihen", "geliehen"},
};
const size_t n_translation_gifts = COUNT(translation_gifts);

const Verb translation_states[] = {
    {"laughs", "laugh", "laughed", "lacht", "lachen", "gelacht"},
    {"sleeps", "sleep", "slept", "schläft", "schlafen", "geschlafen"},
    {"waits", "wait", "waited", "wartet", "warten", "gewartet"},
    {"sings", "sing", "sung", "singt", "singen", "gesungen"},
    {"freezes", "freeze", "frozen", "friert", "frieren", "gefroren"},
};
const size_t n_translation_states = COUNT(translation_states);

const Modal translation_modals[] = {
    {"can", "kann", "können"},
    {"must", "muss", "müssen"},
    {"should", "soll", "sollen"},
};
const size_t n_translation_modals = COUNT(translation_modals);
