"""The clauses of the regulation on the education-management information system, Kyrgyz, Russian, English.

Adopted by the pedagogical council on 19.08.2022 (order № 1), approved by the head on 01.09.2022. The text conveys the
content of every clause; the signed paper counts.
"""

from __future__ import annotations

Texts = tuple[str, str, str]

CHAPTERS: tuple[tuple[str, Texts, tuple[tuple[str, Texts], ...]], ...] = (
    ("1", ("Жалпы жоболор", "Общие положения", "General provisions"), (
        ("1.1", (
            "Бул Жобо автоматташтырылган маалыматтык тутумдун укуктук макамын аныктайт.",
            "Настоящее Положение определяет правовой статус автоматизированной информационной "
            "системы.",
            "These Regulations define the legal status of the automated information system.",
        )),
        ("1.2", (
            "Тутумду колдонуу төмөнкүлөргө негизделет: жарандардын конституциялык укуктарын жана "
            "эркиндиктерин сактоого; документтештирилген маалыматтын тактыгына жана толуктугуна; аны "
            "бирдейлештирүүгө; документтештирилген маалыматты мыйзамсыз жок кылуудан, өзгөртүүдөн, "
            "көчүрүүдөн, таратуудан жана башка мыйзамсыз аракеттерден коргоого.",
            "Использование системы основано на соблюдении конституционных прав и свобод граждан; "
            "достоверности и полноте документированной информации; её унификации; защите "
            "документированной информации от неправомерного уничтожения, изменения, копирования, "
            "распространения и иных неправомерных действий.",
            "Use rests on observing citizens' constitutional rights and freedoms; on reliability and "
            "completeness of documented information; on its unification; on protecting it from "
            "unlawful destruction, alteration, copying, distribution and other unlawful acts.",
        )),
    )),
    ("2", ("Максаты жана милдеттери", "Цель и задачи", "Aim and tasks"), (
        ("2.1", (
            "Негизги максаты: маалыматтык-коммуникациялык технологиянын милдеттерин натыйжалуу чечүү "
            "үчүн ачык маалыматтык-билим берүү мейкиндигин түзүү.",
            "Основная цель: создание открытого информационно-образовательного пространства для "
            "эффективного решения задач информационно-коммуникационных технологий.",
            "Main aim: an open information-educational space for effectively solving the tasks of "
            "information and communication technology.",
        )),
        ("2.2", (
            "Милдеттери: педагогикалык кадрлар, окуучулардын контингенти жана алардын ата-энелери "
            "(мыйзамдуу өкүлдөрү), окуунун жүрүшү, окуучулардын кыймылы боюнча бирдиктүү маалымат "
            "базасын түзүү; билим берүү ишинин жыйынтыктарын чагылдырган бардык түрдөгү отчётторду "
            "даярдоо жана жеткирүү; ата-энелерге билимдин сапаты жөнүндө маалымат берүү жана анын "
            "актуалдуу маселелерин талкуулоо; бардык катышуучулардын аралыктан өз ара "
            "аракеттенүүсүнүн техникалык шарттарын өнүктүрүү.",
            "Задачи: единая база данных о педагогических кадрах, контингенте учащихся и их родителях "
            "(законных представителях), ходе учебного процесса, движении учащихся; подготовка и "
            "предоставление всех видов отчётов о результатах образовательной деятельности; "
            "информирование родителей о качестве образования и обсуждение его актуальных вопросов; "
            "развитие технических условий дистанционного взаимодействия всех участников.",
            "Tasks: one single database on teaching staff, pupil contingent and their parents (legal "
            "representatives), the course of teaching, pupil movement; producing and delivering all "
            "kinds of reports on the results of educational activity; informing parents on the "
            "quality of education and letting them discuss its topical problems; developing technical"
            " conditions for remote interaction of all participants.",
        )),
    )),
    ("3", ("Мүмкүнчүлүктөрү", "Возможности", "What it offers"), (
        ("3.1", (
            "Тутум төмөнкүлөрдү камсыз кылат: жалпы маалымат базасы менен аралыктан иштөө; "
            "колдонуучулардын маалыматты базага өздөрү киргизүүсү; операциялык тутумдан жана кеңсе "
            "программаларынан башка эч нерсе орнотпостон, интернетке туташкан каалаган компьютерден "
            "иштөө; чексиз сандагы колдонуучулардын иши; уруксатсыз кирүүдөн жана көчүрүүдөн коргоо; "
            "колдонуучуларды авторизациялоо; колдонуучулардын статистикасын чогултуу жана көрүү; "
            "статистиканы автоматтык түрдө чогултуу, сактоо жана талдоо; статистикалык отчёттордун ар"
            " түрдүү формаларын түзүү.",
            "Система обеспечивает: удалённую работу с общей базой данных; размещение информации в "
            "базе самими пользователями; работу с любого подключённого к интернету компьютера без "
            "установки чего-либо, кроме операционной системы и офисных программ; работу "
            "неограниченного числа пользователей; защиту от несанкционированного доступа и "
            "копирования; авторизацию пользователей; сбор и просмотр статистики пользователей; "
            "автоматический сбор, хранение и анализ статистики; создание различных форм "
            "статистических отчётов.",
            "It offers: remote work with one common database; users placing information in the "
            "database themselves; work from any internet-connected computer with nothing installed "
            "beyond the operating system and office applications; work of an unlimited number of "
            "users; protection from unauthorised access and copying; user authorisation; collecting "
            "and viewing user statistics; automated collection, storage and analysis of statistics; "
            "creating various forms of statistical reports.",
        )),
    )),
    ("4", ("Киргизүү этаптары", "Этапы внедрения", "Stages of introduction"), (
        ("4.1", (
            "Тутум үч этап менен киргизилет. Мүнөздөмөлөрү: окуучулар жана мугалимдер жөнүндө "
            "маалымат сакталат; окуу мезгилдеринин жыйынтыктары көрсөтүлөт; кыскача отчёттор "
            "автоматтык түрдө түзүлөт; окуучулардын кыймыл китеби жүргүзүлөт; окуучулардын, "
            "ата-энелердин (мыйзамдуу өкүлдөрдүн) жана кызматкерлердин жеке маалыматтары сакталат; "
            "сабактардын жана иш-чаралардын жүгүртмөсү болот; учурдагы баалар коюлат; электрондук "
            "журнал жүргүзүлөт; учурдагы отчёттор түзүлүп, колдонулат; календардык-тематикалык "
            "пландоо; аралыктан окутуу курстары жана тесттер түзүлүп, колдонулат; окуучулардын жана "
            "мугалимдердин жеке электрондук портфолиолору; тутумдун байланыш каражаттары колдонулат.",
            "Внедрение проходит в три этапа. Характеристики: хранятся данные учащихся и учителей; "
            "показываются итоги учебных периодов; автоматически создаются краткие отчёты; ведётся "
            "книга движения учащихся; хранятся личные данные учащихся, родителей (законных "
            "представителей) и сотрудников; есть расписание уроков и мероприятий; вносятся текущие "
            "оценки; ведётся электронный журнал; создаются и используются текущие отчёты; "
            "календарно-тематическое планирование; создаются и используются дистанционные курсы и "
            "тесты; личные электронные портфолио учащихся и учителей; используются средства общения "
            "системы.",
            "Implementation has three stages. Characteristics: pupil and teacher data are stored; "
            "results of academic periods are shown; automatic short reports are made; the pupil "
            "movement book is kept; personal data of pupils, parents (legal representatives) and "
            "staff are stored; there is a schedule of lessons and events; current marks are entered; "
            "an electronic journal is kept; current reports are made and used; calendar and thematic "
            "planning; distance-learning courses and tests are created and used; personal electronic "
            "portfolios of pupils and teachers; the system's communication facilities are used.",
        )),
    )),
    ("5", ("Мектеп жетекчиси", "Директор школы", "The head"), (
        ("5.1", (
            "Мектеп жетекчиси өз буйругу менен: билим берүүнү башкарууда кызматкерлердин "
            "функционалдык милдеттерин аныктайт; кызматкерлер киргизген маалыматтын тактыгын камсыз "
            "кылат; кызматкерлерге тутумдагы иши боюнча тапшырма берет; тутумдун серверинин "
            "программалык камсыздоосун иштетүүчү администраторду дайындайт.",
            "Директор школы своим приказом: определяет функциональные обязанности сотрудников в "
            "управлении образованием; обеспечивает достоверность данных, внесённых сотрудниками; даёт"
            " поручения о работе сотрудников с системой; назначает администратора, обеспечивающего "
            "работу программного обеспечения сервера системы.",
            "By own order the head: defines staff's functional duties in managing education; ensures "
            "accuracy of data entered by staff; gives instructions on staff's work with the system; "
            "appoints an administrator who keeps the software on the system's server running.",
        )),
    )),
    ("6", ("Купуялык", "Конфиденциальность", "Confidentiality"), (
        ("6.1", (
            "Документтештирилген маалымат купуя болуп саналат.",
            "Документированная информация является конфиденциальной.",
            "Documented information is confidential.",
        )),
        ("6.2", (
            "Жеке маалыматтарды камтыган документтештирилген маалымат тутумга анын субъекттеринин "
            "(ата-энелердин, окуучулардын, мектеп кызматкерлеринин) жазуу жүзүндөгү макулдугу менен "
            "гана киргизилет.",
            "Документированная информация, содержащая персональные данные, размещается в системе "
            "только с письменного согласия её субъектов (родителей, учащихся, сотрудников школы).",
            "Documented information containing personal data is placed in the system only with "
            "written consent of its subjects (parents, pupils, school staff).",
        )),
    )),
)  # fmt: skip
"""Chapter's number, its heading, and its clauses by number; texts in the order of `LANGUAGES`."""
