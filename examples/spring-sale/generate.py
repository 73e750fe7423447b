#!/usr/bin/env python3
"""Makes the files of this example: audience.csv, spring-codes.csv and vip-codes.csv.

Every person, address and code is made up. The same files come out every time, byte for byte: the only source of chance is
random.Random(SEED).random(), whose sequence Python guarantees from one version to the next.

    python3 examples/spring-sale/generate.py
"""

import csv
import json
import random
import unicodedata
from pathlib import Path

SEED = 2026
RECIPIENTS = 2_000
SPRING_CODES = 2_200
VIP_CODES = 300
VIP_SHARE = 0.12
EXPIRES_AT = "2027-06-30T23:59:59Z"

# No 0, 1, I, L, O, U: nobody mistypes them, and no word comes about by accident.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

HERE = Path(__file__).parent
CHANCE = random.Random(SEED)

# language, country, cities, first names, last names; the weight is the number of tickets in the draw
PLACES = [
    (30, "en", "GB", ["Bristol", "Leeds", "St Albans", "Kirkby-in-Ashfield"],
     ["Ada", "Grace", "Oliver", "Amelia", "Harry", "Isla", "Noah", "Poppy", "George", "Mary Ann"],
     ["Smith", "Taylor", "Clarke", "Smythe-Jones", "Whitfield", "de la Mare", "Okonkwo", "Fitzgerald"]),
    (14, "en", "IE", ["Dublin", "Cork", "Galway", "Dún Laoghaire"],
     ["Aoife", "Seán", "Niamh", "Oisín", "Róisín", "Conor", "Sinéad"],
     ["O'Brien", "O’Sullivan", "Murphy", "Ní Bhriain", "Mac an tSaoir", "D'Arcy"]),
    (16, "de", "DE", ["Köln", "München", "Görlitz", "Frankfurt (Oder)"],
     ["Jürgen", "Käthe", "Hans-Peter", "Björn", "Anneliese", "Lukas", "Mia", "Sören"],
     ["Müller", "Groß", "von der Heide", "Schäfer", "Weiß", "Müller-Lüdenscheidt"]),
    (14, "fr", "FR", ["Lyon", "Saint-Étienne", "L'Haÿ-les-Roses", "Nîmes"],
     ["Zoë", "François", "Jean-Baptiste", "Éloïse", "Anaïs", "Noël", "Maëlys"],
     ["Lefèvre", "D'Alembert", "L'Hôpital", "Béranger", "Dupont", "Œuvrard"]),
    (10, "es", "ES", ["A Coruña", "Sevilla", "Logroño"],
     ["José María", "Íñigo", "Begoña", "Núria", "Martín", "Lucía"],
     ["García Lorca", "Núñez", "Peña y Lillo", "Ibáñez", "Fernández de Córdoba"]),
    (8, "it", "IT", ["Forlì", "Torino", "L'Aquila"],
     ["Niccolò", "Chiara", "Giosuè", "Beatrice", "Dario"],
     ["D'Angelo", "Dell'Acqua", "Rossi", "Lo Presti", "Cangrà"]),
    (8, "cs", "CZ", ["České Budějovice", "Plzeň", "Praha 6"],
     ["Řehoř", "Žofie", "Jiří", "Kateřina", "Zdeněk"],
     ["Dvořák", "Nováková", "Kříž", "Šťastný", "Procházka"]),
    (8, "pl", "PL", ["Łódź", "Gdańsk", "Kraków"],
     ["Małgorzata", "Łukasz", "Zbigniew", "Agnieszka"],
     ["Wiśniewska", "Żółkiewski", "Kowalczyk-Brzęczyszczykiewicz", "Ślusarczyk"]),
    (6, "sv", "SE", ["Malmö", "Umeå", "Växjö"],
     ["Åsa", "Göran", "Linnéa", "Björn"], ["Ångström", "Sjöberg", "Åkesson", "af Klint"]),
    (5, "tr", "TR", ["İstanbul", "İzmir"], ["Işıl", "İbrahim", "Çağla", "Ömer"], ["Yıldız", "Şahin", "Öztürk"]),
    (5, "vi", "VN", ["Đà Nẵng", "Huế"], ["Thị Ánh", "Văn Đức", "Ngọc"], ["Nguyễn", "Trần", "Đặng"]),
    (6, "el", "GR", ["Αθήνα", "Θεσσαλονίκη"], ["Ελένη", "Γιώργος", "Χρυσούλα"], ["Παπαδόπουλος", "Αγγέλου", "Ξενάκη"]),
    (6, "uk", "UA", ["Київ", "Львів"], ["Олександра", "Тарас", "Їжакевич"], ["Шевченко", "Ґалаґан", "Мар'яненко"]),
    (5, "ar", "EG", ["القاهرة", "الإسكندرية"], ["محمد", "فاطمة", "عبد الله"], ["الحسيني", "نجيب", "بن علي"]),
    (5, "he", "IL", ["תל אביב", "חיפה"], ["נועה", "אבי", "שרה"], ["כהן", "בן-דוד", "ג'רבי"]),
    (6, "zh", "CN", ["上海", "成都"], ["小明", "美玲", "建国"], ["王", "李", "欧阳"]),
    (6, "ja", "JP", ["札幌市", "京都"], ["さくら", "健太", "ユカリ"], ["髙橋", "渡邊", "佐々木"]),
    (5, "ko", "KR", ["서울", "부산"], ["지민", "서연", "하준"], ["김", "이", "남궁"]),
    (4, "th", "TH", ["กรุงเทพฯ", "เชียงใหม่"], ["สมชาย", "กมลวรรณ"], ["ใจดี", "ศรีสุวรรณ"]),
    (3, "hi", "IN", ["मुंबई", "जयपुर"], ["आरती", "श्रेयस"], ["शर्मा", "द्विवेदी"]),
]

# What forms, imports and people do to names. They take the place of drawn ones at regular distances.
ODD_NAMES = [
    ("", ""),
    ("", "Whitfield"),
    ("ADA", "LOVELACE"),
    ("grace", "hopper"),
    ("Ada ", "Byron "),
    ("  Tim", "Leading-Space"),
    ("   ", "Onlyspaces"),
    ("Robert \"Bob\"", "Hart, Jr."),
    ("Sammy", "Davis, PhD, \"the great\""),
    ("X", "Æ"),
    ("J.", "R."),
    ("Mx", "O'"),
    ("Luna 🌙", "Moreau"),
    ("👩‍🚀 Valentina", "T."),
    ("Renée\u00a0Claire", "Nbsp"),
    ("Zoe\u0308", "Combining"),
    ("N/A", ""),
    ("null", "Null"),
    ("Nil", "Nobody"),
    ("Tom & Jerry", "<Smith>"),
    ("{{ first_name }}", "Import-Mishap"),
    ("$cst.spring.coupon$", "Literally"),
    ("=HYPERLINK(1)", "Formula"),
    ("Wolfeschlegelsteinhausenbergerdorff-Maximiliana Theodora Konstantina", "Hubert Blaine von und zu Hohenlohe-Waldenburg"),
    ("Pablo Diego José Francisco de Paula Juan Nepomuceno", "Ruiz y Picasso"),
]

# sku, name, kind, price
CATALOGUE = [
    ("TT-101", "Washed linen throw", "Textiles", 79),
    ("TT-102", "Wool blanket, moss", "Textiles", 119),
    ("TT-103", "Striped tea towels, 3", "Textiles", 24),
    ("TT-104", "Cushion “Hedgerow”", "Textiles", 39.5),
    ("TT-201", "Bottle vase, rust", "Ceramics", 48),
    ("TT-202", "Speckled mug", "Ceramics", 19),
    ("TT-203", "Stoneware jug", "Ceramics", 54),
    ("TT-204", "Egg cups, set of 4", "Ceramics", 28),
    ("TT-301", "Paper moon lamp", "Light", 129),
    ("TT-302", "Beeswax candles", "Light", 16.5),
    ("TT-303", "Reading lamp, brass", "Light", 149),
    ("TT-304", "Lantern “Harbour”", "Light", 62),
    ("TT-401", "Serving bowl, lake blue", "Kitchen", 36.5),
    ("TT-402", "Oak bread board", "Kitchen", 45),
    ("TT-403", "Salt & pepper mills", "Kitchen", 58),
    ("TT-404", "Cast-iron pan, 26 cm", "Kitchen", 89),
    ("TT-501", "Zinc watering can", "Garden", 32),
    ("TT-502", "Hand fork & trowel", "Garden", 27.5),
    ("TT-503", "Terracotta pots, 5", "Garden", 34),
    ("TT-504", "Wildflower seeds", "Garden", 6.9),
    ("TT-601", "Oat milk soap", "Bath", 9.5),
    ("TT-602", "Waffle towel", "Bath", 29),
    ("TT-603", "Olive-wood brush", "Bath", 18),
    ("TT-604", "Bath salt, pine", "Bath", 14),
]


def pick(items):
    return items[int(CHANCE.random() * len(items))]


def draw(items, count):
    """`count` different items, in the order they were drawn."""
    left = list(items)
    return [left.pop(int(CHANCE.random() * len(left))) for _ in range(count)]


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def email_address(number, first, last):
    """Unique by its number; the readable part is what is left of the name in ASCII."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower())
    letters = "".join(c for c in plain if c.isascii() and (c.isalnum() or c == ".")).strip(".")
    return f"{letters[:24].strip('.') or 'reader'}.{number}@example.{pick(['com', 'com', 'org', 'net'])}"


def past_orders():
    count = pick([0, 0, 1, 1, 1, 2, 2, 3])
    return [{"id": f"A{10_000 + int(CHANCE.random() * 90_000)}", "total": round(12 + CHANCE.random() * 180, 2)} for _ in range(count)]


def recommended():
    """Six for most; fewer, or none, for those the shop hardly knows."""
    count = pick([6] * 27 + [5, 3, 0])
    return [{"sku": sku, "name": name, "kind": kind, "price": price} for sku, name, kind, price in draw(CATALOGUE, count)]


def person(number):
    lots = [place for place in PLACES for _ in range(place[0])]
    _, language, country, cities, first_names, last_names = pick(lots)
    first, last, city = pick(first_names), pick(last_names), pick(cities)
    if number % 80 == 7:
        first, last = ODD_NAMES[number // 80]
    orders, products = past_orders(), recommended()
    worth = round(sum(order["total"] for order in orders) * (1 + CHANCE.random()), 2)
    vip = CHANCE.random() < VIP_SHARE
    return {
        "customer_id": f"c{number:04}",
        "first_name": first,
        "last_name": last,
        "email": email_address(number, first, last),
        "city": city if number % 23 else "",
        "country": country,
        "language": language if number % 31 else "",
        "vip": str(vip).lower() if number % 97 else "",
        "ltv": f"{worth:.2f}" if orders else "",
        "orders": compact(orders) if orders else "",
        "products": compact(products) if products else "",
    }


def audience():
    """2,000 people, and three of them a second time: exports from two systems do that."""
    people = [person(number) for number in range(1, RECIPIENTS + 1)]
    again = {500: 12, 1_200: 1_199, 2_000: 843}
    for row, (after, number) in enumerate(sorted(again.items())):
        people.insert(after + row, people[number - 1])
    return people


def codes(prefix, count, discount):
    def block():
        return "".join(pick(CODE_ALPHABET) for _ in range(4))

    seen = {}
    while len(seen) < count:
        seen[f"{prefix}-{block()}-{block()}"] = None
    return [{"code": code, "discount": discount, "expires_at": EXPIRES_AT} for code in seen]


def write(name, rows):
    with open(HERE / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write("audience.csv", audience())
    write("spring-codes.csv", codes("SPR", SPRING_CODES, 20))
    write("vip-codes.csv", codes("VIP", VIP_CODES, 30))
