"""Reference rows that ship with Mektep under origin 0: a school works before it has ever met a hub.

Row ids are permanent: they stand in the data of every school. Append to these lists; never renumber, reuse
or remove. The hub corrects and adds (dates of holidays, periods); a school adds its own subjects and codes,
mapped to these.

Sources: the base curriculum's subjects; the public holidays of the Kyrgyz Republic; periods of 2025/26 with
the spring holidays of 2-7 March and the end on 29 May as the ministry moved them; Orozo Ait and Kurman Ait on
the days the lunar calendar is expected to give. Dates of 2026/27 follow the usual pattern until the ministry
sets them.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.dates import parse_day
from shared.schema import Value

Row = dict[str, Value]
Names = tuple[str, str, str]
LANGUAGES = ("ky", "ru", "en")
"""Order of the names of a reference row."""

SUBJECTS: tuple[tuple[int, str, str, str, str], ...] = (
    (1, "kyr", "Кыргыз тили", "Кыргызский язык", "Kyrgyz language"),
    (2, "kyr_lit", "Кыргыз адабияты", "Кыргызская литература", "Kyrgyz literature"),
    (3, "rus", "Орус тили", "Русский язык", "Russian language"),
    (4, "rus_lit", "Орус адабияты", "Русская литература", "Russian literature"),
    (5, "uzb", "Өзбек тили", "Узбекский язык", "Uzbek language"),
    (6, "uzb_lit", "Өзбек адабияты", "Узбекская литература", "Uzbek literature"),
    (7, "tgk", "Тажик тили", "Таджикский язык", "Tajik language"),
    (8, "tgk_lit", "Тажик адабияты", "Таджикская литература", "Tajik literature"),
    (9, "abc", "Алиппе", "Букварь", "First reading"),
    (10, "reading", "Адабий окуу", "Литературное чтение", "Literary reading"),
    (11, "eng", "Англис тили", "Английский язык", "English language"),
    (12, "deu", "Немис тили", "Немецкий язык", "German language"),
    (13, "fra", "Француз тили", "Французский язык", "French language"),
    (14, "mat", "Математика", "Математика", "Mathematics"),
    (15, "alg", "Алгебра", "Алгебра", "Algebra"),
    (16, "geom", "Геометрия", "Геометрия", "Geometry"),
    (17, "inf", "Информатика", "Информатика", "Informatics"),
    (18, "homeland", "Мекен таануу", "Родиноведение", "Study of the homeland"),
    (19, "nature", "Табият таануу", "Естествознание", "Natural science"),
    (20, "phys", "Физика", "Физика", "Physics"),
    (21, "chem", "Химия", "Химия", "Chemistry"),
    (22, "bio", "Биология", "Биология", "Biology"),
    (23, "geo", "География", "География", "Geography"),
    (24, "astr", "Астрономия", "Астрономия", "Astronomy"),
    (25, "hist", "Тарых", "История", "History"),
    (26, "hist_kg", "Кыргызстан тарыхы", "История Кыргызстана", "History of Kyrgyzstan"),
    (27, "hist_world", "Дүйнөлүк тарых", "Всемирная история", "World history"),
    (28, "society", "Адам жана коом", "Человек и общество", "Individual and society"),
    (29, "religion", "Диний маданияттын өнүгүү тарыхы", "История развития религий", "History of religions"),
    (30, "econ", "Экономика", "Экономика", "Economics"),
    (31, "ethics", "Адеп", "Этика", "Ethics"),
    (32, "art", "Көркөм өнөр", "Изобразительное искусство", "Art"),
    (33, "music", "Музыка", "Музыка", "Music"),
    (34, "tech", "Технология", "Технология", "Technology"),
    (35, "drawing", "Чийүү", "Черчение", "Technical drawing"),
    (36, "pe", "Дене тарбия", "Физическая культура", "Physical education"),
    (37, "health", "Ден соолук маданияты", "Культура здоровья", "Health education"),
    (38, "defence", "Аскерге чейинки даярдык", "Допризывная подготовка", "Pre-conscription training"),
    (39, "por", "Португал тили", "Португальский язык", "Portuguese language"),
)  # fmt: skip

CODE_LISTS: dict[str, tuple[int, tuple[tuple[str, str, str, str], ...]]] = {
    "sex": (1, (
        ("f", "Кыз", "Женский", "Female"),
        ("m", "Эркек", "Мужской", "Male"),
    )),
    "language": (2, (
        ("ky", "Кыргыз тили", "Кыргызский", "Kyrgyz"),
        ("ru", "Орус тили", "Русский", "Russian"),
        ("uz", "Өзбек тили", "Узбекский", "Uzbek"),
        ("tg", "Тажик тили", "Таджикский", "Tajik"),
        ("en", "Англис тили", "Английский", "English"),
        ("pt", "Португал тили", "Португальский", "Portuguese"),
    )),
    "residence": (3, (
        ("urban", "Шаар", "Город", "Urban"),
        ("rural", "Айыл", "Село", "Rural"),
    )),
    "movement_kind": (4, (
        ("arrived", "Келген", "Прибыл", "Arrived"),
        ("departed", "Кеткен", "Выбыл", "Departed"),
        ("transfer", "Класстан класска которулган", "Переведён в другой класс", "Moved to another class"),
        ("promoted", "Кийинки класска көчүрүлгөн", "Переведён в следующий класс", "Promoted"),
        ("repeating", "Экинчи жылга калтырылган", "Оставлен на второй год", "Repeating the year"),
        ("graduated", "Мектепти бүтүргөн", "Окончил школу", "Graduated"),
    )),
    "movement_reason": (5, (
        ("district", "Райондун башка мектеби", "Другая школа района", "Another school of the district"),
        ("country", "Өлкөнүн башка жери", "Другая местность страны", "Elsewhere in the country"),
        ("abroad", "Чет өлкө", "За границей", "Abroad"),
        ("college", "Колледж, лицей", "Колледж, лицей", "College or lyceum"),
        ("illness", "Оорусуна байланыштуу", "По болезни", "Illness"),
        ("death", "Каза болгон", "Смерть", "Death"),
        ("other", "Башка себеп", "Другая причина", "Other reason"),
        ("start", "Окууга биринчи жолу кабыл алынган", "Первый приём", "First admission"),
    )),
    "position": (6, (
        ("head", "Мектеп жетекчиси", "Директор школы", "School head"),
        ("deputy", "Жетекчинин орун басары", "Заместитель директора", "Deputy head"),
        ("primary", "Башталгыч класстын мугалими", "Учитель начальных классов", "Primary teacher"),
        ("teacher", "Предмет мугалими", "Учитель-предметник", "Subject teacher"),
        ("social", "Социалдык педагог", "Социальный педагог", "Social pedagogue"),
        ("psychologist", "Психолог", "Психолог", "Psychologist"),
        ("librarian", "Китепканачы", "Библиотекарь", "Librarian"),
        ("other", "Башка", "Прочие", "Other"),
        ("secretary", "Катчы", "Секретарь", "Secretary"),
        ("it", "Системалык администратор", "Системный администратор", "System administrator"),
        ("lab", "Лаборант", "Лаборант", "Laboratory assistant"),
        ("accountant", "Бухгалтер", "Бухгалтер", "Accountant"),
        ("support", "Чарба кызматкери", "Хозяйственный персонал", "Support staff"),
    )),
    "education": (7, (
        ("higher_ped", "Жогорку педагогикалык", "Высшее педагогическое", "Higher pedagogical"),
        ("higher", "Жогорку", "Высшее", "Higher"),
        ("unfinished", "Аяктабаган жогорку", "Незаконченное высшее", "Unfinished higher"),
        ("vocational", "Орто кесиптик", "Среднее профессиональное", "Secondary vocational"),
        ("general", "Жалпы орто", "Среднее общее", "General secondary"),
    )),
    "category": (8, (
        ("highest", "Жогорку", "Высшая", "Highest"),
        ("first", "Биринчи", "Первая", "First"),
        ("second", "Экинчи", "Вторая", "Second"),
        ("none", "Категориясы жок", "Без категории", "None"),
    )),
    "absence_reason": (9, (
        ("ill", "Оорусуна байланыштуу", "По болезни", "Ill"),
        ("excused", "Жүйөлүү себеп менен", "По уважительной причине", "Excused"),
        ("unexcused", "Жүйөлүү себепсиз", "Без уважительной причины", "Unexcused"),
        ("unknown", "Себеби белгисиз", "Причина неизвестна", "Reason unknown"),
    )),
    "attendance_status": (10, (
        ("present", "Бар", "Присутствует", "Present"),
        ("absent", "Жок", "Отсутствует", "Absent"),
        ("late", "Кечиккен", "Опоздал", "Late"),
    )),
    "result_status": (11, (
        ("assessed", "Бааланган", "Аттестован", "Assessed"),
        ("na", "Бааланган эмес", "Не аттестован (н/а)", "Not assessed"),
        ("exempt", "Бошотулган", "Освобождён", "Exempt"),
        ("unmarked", "Баасыз окутуу", "Безотметочное обучение", "Without marks"),
    )),
    "pupil_category": (12, (
        ("excellent", "Бешке окуган окуучу", "Отличник", "Excellent pupil"),
        ("good", "Төрткө жана бешке окуган окуучу", "Хорошист", "Good pupil"),
        ("satisfactory", "Үчкө окуган окуучу", "Троечник", "Satisfactory pupil"),
        ("failing", "Жетишпеген окуучу", "Неуспевающий", "Failing pupil"),
        ("not_assessed", "Бааланган эмес", "Не аттестован", "Not assessed"),
        ("one_four", "Бир «4» баасы бар (резерв)", "С одной «4» (резерв)", "With one 4"),
        ("one_three", "Бир «3» баасы бар (резерв)", "С одной «3» (резерв)", "With one 3"),
    )),
    "term_kind": (13, (
        ("quarter", "Чейрек", "Четверть", "Quarter"),
        ("half", "Жарым жылдык", "Полугодие", "Half-year"),
        ("period", "Окуу мезгили", "Период", "Period"),
        ("year", "Жыл", "Год", "Year"),
        ("exam", "Экзамен", "Экзамен", "Exam"),
        ("final", "Жыйынтык", "Итог", "Final"),
    )),
    "day_kind": (14, (
        ("school", "Окуу күнү", "Учебный день", "School day"),
        ("holiday", "Каникул", "Каникулы", "School holidays"),
        ("public", "Майрам күнү", "Праздничный день", "Public holiday"),
        ("off", "Дем алыш күнү", "Выходной день", "Day off"),
        ("distance", "Аралыктан окутуу күнү", "День дистанционного обучения", "Distance day"),
        ("exam", "Экзамен күнү", "День экзаменов", "Exam day"),
    )),
    "duty": (15, (
        ("head", "Мектеп жетекчиси", "Директор школы", "School head"),
        ("deputy", "Окуу бөлүмүнүн башчысы", "Завуч", "Deputy head (studies)"),
        ("class_teacher", "Класс жетекчи", "Классный руководитель", "Class teacher"),
        ("teacher", "Мугалим", "Учитель", "Teacher"),
        ("secretary", "Катчы", "Секретарь", "Secretary"),
        ("social", "Социалдык педагог", "Социальный педагог", "Social pedagogue"),
        ("librarian", "Китепканачы", "Библиотекарь", "Librarian"),
        ("administrator", "Администратор", "Администратор", "Administrator"),
        ("pupil", "Окуучу", "Ученик", "Pupil"),
        ("guardian", "Ата-эне (мыйзамдуу өкүл)", "Родитель (законный представитель)", "Guardian"),
    )),
    "consent_purpose": (16, (
        ("core", "Негизги маалыматтар", "Основные сведения", "Core record"),
        ("photo", "Сүрөт жана видео", "Фото и видео", "Photo and video"),
        ("messages", "Билдирүүлөр", "Сообщения", "Messages"),
        ("health", "Ден соолук", "Здоровье", "Health"),
        ("social", "Социалдык абалы", "Социальное положение", "Social status"),
        ("transfer", "Башка мектепке берүү", "Передача в другую школу", "Transfer to another school"),
        ("letters", "Каттар", "Письма", "Letters"),
    )),
    "school_kind": (17, (
        ("primary", "Башталгыч", "Начальная", "Primary"),
        ("basic", "Негизги", "Основная", "Basic"),
        ("secondary", "Орто", "Средняя", "Secondary"),
        ("gymnasium", "Гимназия", "Гимназия", "Gymnasium"),
    )),
    "unit_kind": (18, (
        ("country", "Өлкө", "Страна", "Country"),
        ("province", "Облус", "Область", "Province"),
        ("district", "Район (шаар)", "Район (город)", "District or city"),
        ("school", "Мектеп", "Школа", "School"),
    )),
    "relation": (19, (
        ("mother", "Апасы", "Мать", "Mother"),
        ("father", "Атасы", "Отец", "Father"),
        ("guardian", "Камкорчу", "Опекун", "Appointed guardian"),
        ("other", "Башка", "Другое лицо", "Other"),
        ("grandmother", "Чоң энеси", "Бабушка", "Grandmother"),
        ("grandfather", "Чоң атасы", "Дедушка", "Grandfather"),
        ("stepmother", "Өгөй энеси", "Мачеха", "Stepmother"),
        ("stepfather", "Өгөй атасы", "Отчим", "Stepfather"),
        ("relative", "Башка тууганы", "Другой родственник", "Other relative"),
    )),
    "order_series": (20, (
        ("pupils", "Окуучулар боюнча", "По учащимся", "Pupils"),
        ("staff", "Кызматкерлер боюнча", "По кадрам", "Staff"),
        ("main", "Негизги иш боюнча", "По основной деятельности", "Main activity"),
    )),
    "reading_act": (21, (
        ("read", "Окулду", "Просмотр", "Read"),
        ("export", "Чыгарылды", "Выгрузка", "Exported"),
        ("print", "Басылды", "Печать", "Printed"),
    )),
    "experience": (22, (
        ("under_3", "3 жылга чейин", "До 3 лет", "Under 3 years"),
        ("3_7", "3–7 жыл", "3–7 лет", "3-7 years"),
        ("8_12", "8–12 жыл", "8–12 лет", "8-12 years"),
        ("13_19", "13–19 жыл", "13–19 лет", "13-19 years"),
        ("20_plus", "20 жыл жана андан көп", "20 лет и более", "20 years and more"),
    )),
    "yes_no": (23, (
        ("1", "Ооба", "Да", "Yes"),
        ("0", "Жок", "Нет", "No"),
    )),
    "conduct": (40, (
        ("exemplary", "Үлгүлүү", "Примерное", "Exemplary"),
        ("good", "Жакшы", "Хорошее", "Good"),
        ("satisfactory", "Канааттандырарлык", "Удовлетворительное", "Satisfactory"),
        ("unsatisfactory", "Канааттандырарлык эмес", "Неудовлетворительное", "Unsatisfactory"),
    )),
    "form_language": (41, (
        ("ky", "Кыргызча", "Кыргызский", "Kyrgyz"),
        ("ru", "Орусча", "Русский", "Russian"),
        ("en", "Англисче", "Английский", "English"),
    )),
    "correction_state": (42, (
        ("open", "Каралууда", "Рассматривается", "Under review"),
        ("done", "Оңдолду", "Исправлено", "Corrected"),
        ("refused", "Четке кагылды", "Отклонено", "Refused"),
    )),
    "term_conduct": (43, (
        ("exemplary", "Үлгүлүү", "Примерное", "Exemplary"),
        ("good", "Жакшы", "Хорошее", "Good"),
        ("fair", "Канааттандырарлык", "Удовлетворительное", "Fair"),
        ("poor", "Канааттандырарлык эмес", "Неудовлетворительное", "Poor"),
    )),
    "checked_area": (44, (
        ("roll", "Класстын тизмеси", "Список класса", "Roll"),
        ("cards", "Карточкалар", "Карточки", "Cards"),
        ("consents", "Макулдуктар", "Согласия", "Consents"),
        ("attendance", "Катышуу", "Посещаемость", "Attendance"),
        ("marks", "Баалар", "Оценки", "Marks"),
        ("results", "Жыйынтыктар", "Итоги", "Results"),
    )),
    "check_act": (45, (
        ("checked", "Текшерилди", "Проверено", "Checked"),
        ("confirmed", "Ырасталды", "Подтверждено", "Confirmed"),
    )),
    "act_kind": (46, (
        ("import", "Импорт", "Импорт", "Import"),
        ("merge", "Бириктирүү", "Объединение", "Merge"),
        ("undo", "Жокко чыгаруу", "Отмена", "Undo"),
        ("erasure", "Өчүрүү", "Удаление данных", "Erasure"),
        ("closing", "Жылды жабуу", "Закрытие года", "Closing of a year"),
    )),
    "social_category": (60, (
        ("full_orphan", "Тоголок жетим", "Круглый сирота", "Full orphan"),
        ("half_orphan", "Жарым жетим", "Полусирота", "Half orphan"),
        ("guardianship", "Камкордуктагы бала", "Ребёнок под опекой", "Under guardianship"),
        ("large_family", "Көп балалуу үй-бүлө", "Многодетная семья", "Large family"),
        ("low_income", "Аз камсыз болгон үй-бүлө", "Малообеспеченная семья", "Low-income family"),
        ("one_parent", "Толук эмес үй-бүлө", "Неполная семья", "Single-parent family"),
        ("migrants", "Ата-энеси миграцияда", "Родители в миграции", "Migrant parents"),
        ("disability", "Ден соолугунун мүмкүнчүлүгү чектелген бала", "Ребёнок с ОВЗ", "Child with disability"),
        ("home_schooling", "Үйдө окутуу", "Надомное обучение", "Home schooling"),
        ("hard_life", "Турмуштук оор кырдаалдагы бала", "В трудной жизненной ситуации", "Hard life situation"),
        ("police", "Милициянын эсебинде турат", "На учёте в милиции", "On police register"),
    )),
    "certificate_kind": (62, (
        ("basic", "Негизги жалпы билим жөнүндө күбөлүк", "Свидетельство об основном общем образовании",
         "Basic education certificate"),
        ("secondary", "Жалпы орто билим жөнүндө аттестат", "Аттестат о среднем общем образовании",
         "Secondary education certificate"),
    )),
    "offer_state": (61, (
        ("open", "Кагазын күтүүдө", "Ожидает бумаги", "Waits for its paper"),
        ("confirmed", "Кагазы келди", "Бумага получена", "Paper received"),
        ("declined", "Кагазсыз калды", "Осталось без бумаги", "No paper came"),
    )),
    "note_state": (63, (
        ("open", "Каралууда", "Рассматривается", "Waits"),
        ("accepted", "Кабыл алынды", "Принято", "Accepted"),
        ("declined", "Четке кагылды", "Отклонено", "Declined"),
    )),
    "note_refusal": (64, (
        ("days", "Күндөрү туура эмес: кайра бериңиз", "Дни указаны неверно: подайте ещё раз",
         "The days are wrong: hand it in again"),
        ("present", "Бала бул күндөрү сабакта болгон", "В эти дни ребёнок был на уроках",
         "The child was at lessons on these days"),
        ("paper", "Дарыгердин аныктамасын алып келиңиз", "Принесите справку от врача", "Bring the doctor's paper"),
        ("known", "Бул күндөр боюнча аныктама бар", "На эти дни справка уже есть", "These days have a note already"),
    )),
}  # fmt: skip
"""List -> its number and its codes with their names; a code's row id is 100 x that + its place."""

LIST_OF_COLUMN: dict[tuple[str, str], str] = {
    ("org_unit", "kind"): "unit_kind",
    ("school", "kind"): "school_kind",
    ("term", "kind"): "term_kind",
    ("calendar_day", "kind"): "day_kind",
    ("person", "sex"): "sex",
    ("consent", "purpose"): "consent_purpose",
    ("consent", "language"): "form_language",
    ("leaving_certificate", "kind"): "certificate_kind",
    ("consent_offer", "purpose"): "consent_purpose",
    ("consent_offer", "state"): "offer_state",
    ("correction", "state"): "correction_state",
    ("pupil", "conduct"): "conduct",
    ("pupil", "language"): "language",
    ("pupil", "residence"): "residence",
    ("guardian", "relation"): "relation",
    ("staff", "position"): "position",
    ("staff", "education"): "education",
    ("staff", "category"): "category",
    ("class_group", "language"): "language",
    ("order_book", "series"): "order_series",
    ("appointment", "duty"): "duty",
    ("movement", "kind"): "movement_kind",
    ("movement", "reason"): "movement_reason",
    ("attendance", "status"): "attendance_status",
    ("attendance", "reason"): "absence_reason",
    ("attendance", "earlier"): "absence_reason",
    ("term_result", "status"): "result_status",
    ("account", "language"): "language",
    ("reading_log", "act"): "reading_act",
    ("usage_day", "duty"): "duty",
    ("sign_off", "area"): "checked_area",
    ("sign_off", "act"): "check_act",
    ("year_decision", "outcome"): "movement_kind",
    ("own_day", "kind"): "day_kind",
    ("absence_note", "reason"): "absence_reason",
    ("absence_note", "state"): "note_state",
    ("absence_note", "refusal"): "note_refusal",
    ("conduct", "value"): "term_conduct",
    ("act", "kind"): "act_kind",
}
"""(table, column) of the schema -> the code list that names its values."""

CATEGORIES = tuple(code for code, *_ in CODE_LISTS["social_category"][1])
"""The groups of the social passport; a pupil may be in several, which stand in one column with commas between."""

SCALES: tuple[tuple[int, str, int, int, Names, tuple[tuple[int, int, int], ...]], ...] = (
    (1, "five", 1, 5, ("5 баллдык", "5-балльная", "Five-point"),
     ((1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5))),
    (2, "twenty", 0, 20, ("20 баллдык", "20-балльная", "Twenty-point"),
     ((2, 0, 9), (3, 10, 13), (4, 14, 17), (5, 18, 20))),
    (3, "percent", 0, 100, ("Пайыздык", "Процентная", "Percent"),
     ((2, 0, 49), (3, 50, 69), (4, 70, 89), (5, 90, 100))),
)  # fmt: skip
"""Id, code, lowest and highest value, names, and (band of the five-point scale, lowest, highest value)."""

WORK_KINDS: tuple[tuple[int, str, int, str, str, str], ...] = (
    (1, "oral", 1, "Оозеки жооп", "Устный ответ", "Oral answer"),
    (2, "homework", 1, "Үй тапшырмасы", "Домашнее задание", "Homework"),
    (3, "independent", 2, "Өз алдынча иш", "Самостоятельная работа", "Independent work"),
    (4, "control", 3, "Текшерүү иши", "Контрольная работа", "Control work"),
    (5, "dictation", 2, "Жат жазуу", "Диктант", "Dictation"),
    (6, "composition", 2, "Дилбаян", "Сочинение", "Composition"),
    (7, "exposition", 2, "Баяндама", "Изложение", "Exposition"),
    (8, "lab", 2, "Лабораториялык иш", "Лабораторная работа", "Laboratory work"),
    (9, "test", 2, "Тест", "Тест", "Test"),
    (10, "diagnostic", 0, "Диагностикалык баалоо", "Диагностическое оценивание", "Diagnostic assessment"),
    (11, "formative", 1, "Калыптандыруучу баалоо", "Формативное оценивание", "Formative assessment"),
    (12, "summative", 3, "Суммативдик баалоо", "Суммативное оценивание", "Summative assessment"),
)  # fmt: skip
"""Id, code, weight in the proposed mark (0: does not count), names. The hub may set other weights."""

YEARS: tuple[tuple[int, str, str, str], ...] = (
    (1, "2005-09-01", "2006-06-30", "2005-09-05"),
    (2, "2024-09-02", "2025-05-26", "2024-09-05"),
    (3, "2025-09-01", "2026-05-29", "2025-09-05"),
    (4, "2026-09-01", "2027-05-25", "2026-09-05"),
)
"""Id, first and last day, reference date of the yearly returns."""

TERMS: tuple[tuple[int, int, str, int, str, str], ...] = (
    (1, 1, "period", 1, "2005-09-01", "2005-12-31"),
    (2, 1, "period", 2, "2006-01-01", "2006-03-31"),
    (3, 1, "year", 0, "2005-09-01", "2006-06-30"),
    (4, 3, "quarter", 1, "2025-09-01", "2025-11-01"),
    (5, 3, "quarter", 2, "2025-11-10", "2025-12-30"),
    (6, 3, "quarter", 3, "2026-01-12", "2026-02-28"),
    (7, 3, "quarter", 4, "2026-03-09", "2026-05-29"),
    (8, 3, "half", 1, "2025-09-01", "2025-12-30"),
    (9, 3, "half", 2, "2026-01-12", "2026-05-29"),
    (10, 3, "year", 0, "2025-09-01", "2026-05-29"),
    (11, 3, "exam", 0, "2026-06-01", "2026-06-12"),
    (12, 3, "final", 0, "2025-09-01", "2026-06-12"),
    (13, 4, "quarter", 1, "2026-09-01", "2026-10-31"),
    (14, 4, "quarter", 2, "2026-11-09", "2026-12-30"),
    (15, 4, "quarter", 3, "2027-01-11", "2027-03-20"),
    (16, 4, "quarter", 4, "2027-03-29", "2027-05-25"),
    (17, 4, "half", 1, "2026-09-01", "2026-12-30"),
    (18, 4, "half", 2, "2027-01-11", "2027-05-25"),
    (19, 4, "year", 0, "2026-09-01", "2027-05-25"),
    (20, 4, "exam", 0, "2027-05-31", "2027-06-11"),
    (21, 4, "final", 0, "2026-09-01", "2027-06-11"),
)
"""Id, school year, kind, number within the kind (0 where there is one), first and last day."""

HOLIDAYS: tuple[tuple[int, str, str], ...] = (
    (3, "2025-11-02", "2025-11-09"),
    (3, "2025-12-31", "2026-01-11"),
    (3, "2026-03-01", "2026-03-08"),
    (4, "2026-11-01", "2026-11-08"),
    (4, "2026-12-31", "2027-01-10"),
    (4, "2027-03-21", "2027-03-28"),
)
"""School year, first and last day of the school holidays within it."""

PUBLIC_HOLIDAYS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (3, ("2025-11-07", "2025-11-08", "2026-01-01", "2026-01-07", "2026-02-23", "2026-03-08", "2026-03-20",
         "2026-03-21", "2026-04-07", "2026-05-01", "2026-05-05", "2026-05-09", "2026-05-27", "2026-08-31")),
    (4, ("2026-11-07", "2026-11-08", "2027-01-01", "2027-01-07", "2027-02-23", "2027-03-08", "2027-03-10",
         "2027-03-21", "2027-04-07", "2027-05-01", "2027-05-05", "2027-05-09", "2027-05-16", "2027-08-31")),
)  # fmt: skip
"""School year and its public holidays, Orozo Ait and Kurman Ait (20 March, 27 May 2026) among them."""

PROMOTION: dict[int, dict[int, int]] = {
    2: {1: 2, 2: 3, 3: 5, 4: 5, 5: 6, 6: 8, 7: 8, 8: 9, 9: 10, 10: 11},
    3: {1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9, 9: 10, 10: 11},
    4: {1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9, 9: 10, 10: 11},
}
"""School year that ends -> grade attended in it -> grade of the next year.

After 2024/25 grade 3 went on to 5 and grade 6 to 8 (eleven grades become twelve).
"""

LAST_GRADE: dict[int, tuple[int, ...]] = {2: (11,), 3: (11, 12), 4: (11, 12)}
"""School year -> the grades that end school with it."""


def _names(ky: str, ru: str, en: str) -> Row:
    return {"name_ky": ky, "name_ru": ru, "name_en": en}


def _subjects() -> Iterator[Row]:
    for id_, code, *names in SUBJECTS:
        yield {"id": id_, "code": code, "standard": None, "sort": id_, **_names(*names)}


def _codes() -> Iterator[Row]:
    for name, (number, codes) in CODE_LISTS.items():
        for place, (code, *names) in enumerate(codes, 1):
            yield {"id": 100 * number + place, "list": name, "code": code, "sort": place, **_names(*names)}


def _scales() -> Iterator[Row]:
    for id_, code, minimum, maximum, names, _ in SCALES:
        yield {"id": id_, "code": code, "minimum": minimum, "maximum": maximum, **_names(*names)}


def _bands() -> Iterator[Row]:
    for scale, *_, bands in SCALES:
        for band, low, high in bands:
            yield {"scale": scale, "band": band, "low": low, "high": high}


def _work_kinds() -> Iterator[Row]:
    for id_, code, weight, *names in WORK_KINDS:
        yield {"id": id_, "code": code, "weight": weight, **_names(*names)}


def _years() -> Iterator[Row]:
    for id_, start, end, reference in YEARS:
        days: Row = {"start": parse_day(start), "end": parse_day(end), "reference_date": parse_day(reference)}
        yield {"id": id_, **days}


def _terms() -> Iterator[Row]:
    for id_, year, kind, number, start, end in TERMS:
        days: Row = {"start": parse_day(start), "end": parse_day(end)}
        yield {"id": id_, "year": year, "kind": kind, "number": number, **days}


def _calendar() -> Iterator[Row]:
    spans = [(year, range(parse_day(first), parse_day(last) + 1)) for year, first, last in HOLIDAYS]
    kinds = {(year, day): "holiday" for year, span in spans for day in span}
    kinds |= {(year, parse_day(day)): "public" for year, days in PUBLIC_HOLIDAYS for day in days}
    for (year, day), kind in sorted(kinds.items()):
        yield {"year": year, "day": day, "kind": kind}


def _promotion() -> Iterator[Row]:
    for year, steps in PROMOTION.items():
        for grade, to_grade in steps.items():
            yield {"year": year, "grade": grade, "to_grade": to_grade, "graduates": 0}
        for grade in LAST_GRADE[year]:
            yield {"year": year, "grade": grade, "to_grade": None, "graduates": 1}


def _units() -> Iterator[Row]:
    names = _names("Кыргыз Республикасы", "Кыргызская Республика", "Kyrgyz Republic")
    yield {"id": 1, "code": "KG", "kind": "country", "parent": None, **names}


ROWS: dict[str, list[Row]] = {
    "org_unit": list(_units()),
    "academic_year": list(_years()),
    "term": list(_terms()),
    "calendar_day": list(_calendar()),
    "promotion_map": list(_promotion()),
    "subject": list(_subjects()),
    "code": list(_codes()),
    "grading_scale": list(_scales()),
    "grading_band": list(_bands()),
    "work_kind": list(_work_kinds()),
}
"""Table -> its rows of origin 0, in an order that satisfies references."""

_CODE_NAMES: dict[tuple[str, str], Names] = {
    (name, code): (ky, ru, en) for name, (_, codes) in CODE_LISTS.items() for code, ky, ru, en in codes
}
_OF_HER: dict[tuple[str, str], str] = {
    ("movement_kind", "arrived"): "Прибыла",
    ("movement_kind", "departed"): "Выбыла",
    ("movement_kind", "transfer"): "Переведена в другой класс",
    ("movement_kind", "promoted"): "Переведена в следующий класс",
    ("movement_kind", "repeating"): "Оставлена на второй год",
    ("movement_kind", "graduated"): "Окончила школу",
    ("attendance_status", "late"): "Опоздала",
    ("result_status", "assessed"): "Аттестована",
    ("result_status", "na"): "Не аттестована (н/а)",
    ("result_status", "exempt"): "Освобождена",
}
"""Russian names of codes where they are said of a girl or a woman; Kyrgyz knows no gender."""
_SUBJECT_NAMES: dict[str, Names] = {code: (ky, ru, en) for _, code, ky, ru, en in SUBJECTS}
_SCALE_NAMES: dict[str, Names] = {code: names for _, code, _, _, names, _ in SCALES}


def code_name(list_: str, code: str, language: str, sex: str | None = None) -> str:
    """The shipped name of a code in `ky`, `ru` or `en`; the code itself if it is not a shipped one.

    ``sex``: of whom it is said; None where it is said of nobody.
    """
    if sex == "f" and language == "ru" and (list_, code) in _OF_HER:
        return _OF_HER[list_, code]
    names = _CODE_NAMES.get((list_, code))
    return names[LANGUAGES.index(language)] if names else code


def subject_name(code: str, language: str) -> str:
    """The shipped name of a subject, or its code."""
    names = _SUBJECT_NAMES.get(code)
    return names[LANGUAGES.index(language)] if names else code


def scale_name(code: str, language: str) -> str:
    """The shipped name of a grading scale, or its code."""
    names = _SCALE_NAMES.get(code)
    return names[LANGUAGES.index(language)] if names else code


def code_place(list_: str, code: str) -> int:
    """The place of a code in its list, from 0; unknown codes come after all known ones."""
    codes = [known for known, *_ in CODE_LISTS[list_][1]] if list_ in CODE_LISTS else []
    return codes.index(code) if code in codes else len(codes)
