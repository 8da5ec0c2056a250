# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Words around a choice, by the part that they play in a statement such as "the answer is B".

A part is one character, so that a reply becomes a short string of parts over which the rules of
`imug_metrics.reading.choice_rules` are plain regular expressions. Words are in lower case, and each has one part. To
teach the reader a language, add its words here and its code to `LANGUAGES`.
"""

from __future__ import annotations

LANGUAGES = (
    *("ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id"),
    *("it", "ja", "ko", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh"),
)
"""Languages that replies are read in, as ISO 639-1 codes; in any other, letters alone, labelled or ticked are read."""

WORDS: dict[str, str] = {
    # names the answer: what follows, after a copula, is the reply's choice
    "a": """
        lời winner answer answers ans solution solutions correct best guess accurate appropriate plausible suitable
        closest fitting zutreffende passende passendste wahrscheinlichste appropriée adéquate adecuada apropiada
        adequada respuesta respuestas correcta correctas correcto correctos resposta respostas correta corretas
        correto corretos réponse réponses reponse correcte correctes bonne bonnes antwort antworten richtig richtige
        richtigen richtiges richtiger lösung lösungen korrekt korrekte risposta risposte corretta corrette corretto
        corretti antwoord antwoorden juiste svar svaret svaren svarene rätt riktig riktige rigtige rigtigt korrekta
        odpowiedź odpowiedzi odpowiedzią poprawna poprawną poprawne poprawny prawidłowa prawidłowe odpověď odpovědi
        správná správně správné cevap cevaplar cevabı cevabım yanıt yanıtı jawaban jawabannya jawapan jawapannya đáp
        válasz helyes vastaus oikea răspuns răspunsul corect odgovor točan ответ ответы ответом правильный правильная
        правильное правильные правильно відповідь відповіді правильна правильне отговор отговорът правилният απάντηση
        σωστή الإجابة الاجابة الجواب إجابة اجابة إجابتي جواب والإجابة فالإجابة الصحيحة الصحيح پاسخ درست صحیح תשובה
        התשובה תשובתי הנכונה उत्तर जवाब सही উত্তর সঠিক
    """,
    # affirms: a verdict behind letters ("B is true"), or a heading before them ("True: B")
    "k": """
        better doğrudur besser true yes valid verdadero verdadera verdaderos verdaderas cierto cierta sí vrai vraie
        vrais vraies oui exact exacte wahr ja stimmt zutreffend vero vera veri vere sì verdadeiro verdadeira
        verdadeiros sim certo certa waar juist sant sann stämmer prawda prawdziwe prawdziwa tak pravda ano doğru evet
        benar betul ya đúng igaz igen tosi kyllä oikein adevărat да верно верный верна верны правда істина так вірно
        ναι σωστό صحيح صح نعم صحيحة بله נכון כן हाँ हां সত্য remains remain bleibt होता oikeat
    """,
    # the same, but also a place: "A is right of B"
    "R": "right",
    # turns down
    "x": """
        wrong incorrect invalid least worst schlechteste peor pire peggiore pior incorrecte incorrectes mauvaise
        mauvais неверен неверной الخاطئة incorrecta incorrectas incorrecto falsche falschen errato errata errate
        sbagliata sbagliato sbagliate incorreta incorretas incorreto errada errado erradas onjuist onwaar fout niet
        fel feil forkert nieprawda błędna błędne nepravda špatně salah hamis väärin fals netočan неверно неверный
        неверна неверны неправильно неправильный неправильная невірно хибно λάθος خطأ خاطئ خاطئة غلط خیر שגוי गलत ভুল
        eliminated excluded descartada descartadas éliminée éliminées eliminata eliminadas ausgeschlossen
    """,
    # the same; but options say it, too: "B) No"
    "G": """
        no false nein falsch falso falsa falsos falsas faux fausse fausses nee nej nei fałsz yanlış hayır tidak sai
        không nem ei нет ложь ні όχι לא नहीं لا falskt
    """,
    # names an option, without saying that it is the answer
    "o": """
        seçeneği option choice opt opción opcion opzione opção opcao alternativa alternative optie keuze seçenek şık
        şıkkı pilihan opsi opcja opcję możnost alternativ alternativet bokstav opció betű vaihtoehto varianta opțiunea
        opcija вариант варианта вариантом варіант επιλογή الخيار خيار الحرف گزینه אפשרות विकल्प
    """,
    # the same, of several
    "P": """
        options choices letters opciones opzioni opções alternativas lettres opties opcje варианты варіанти
        alternativen
    """,
    # names something that can be true: "statement B is true"
    "O": """
        letter letra lettre lettera buchstabe буква statement statements image images picture pictures panel panels
        answer's aussage aussagen bild bilder affirmation affirmations afirmación afirmaciones afirmação afirmações
        imagen imágenes immagine item items утверждение утверждения
    """,
    # names the answer only before a colon
    "s": """
        conclusion fazit conclusión conclusione conclusão selection selected prediction predicted pred result output
        response label selección elección sélection choix auswahl wahl ergebnis selezione scelta seleção escolha
        resultado selectie seçim seçimim výběr wybór val valg r respondo
    """,
    "c": """
        е würde is was be being equals lautet es está sería seria est serait ist wäre è sarebbe é será seja er är
        adalah ialah là jest je это то είναι هي هو است הוא היא है এটি must should would will seems seem appears fits
        fit matches match shows has have had does do looks look este
    """,
    "C": "are were son sont sind sono são zijn są jsou",
    # says what the reply chooses
    "h": """
        prefer preferred bevorzuge préfère prefiero preferisco prefiro makes make queda quedan остаётся остается sagen
        entscheide चुनूँगा चुनूंगा nehmen wählen choose chose chosen choosing pick picked picking select selects
        selecting answered settle elijo escojo selecciono marco choisis choisi choisirais choisirai sélectionne wähle
        nehme gewählt scelgo seleziono escolho seleciono kies kiezen gekozen väljer velger vælger wybieram wybrałbym
        wybrałabym vybírám volím seçiyorum seçerim memilih pilih chọn választom valitsen aleg biram выбираю выбрал
        выбрала выберу выбор обираю вибираю избирам διαλέγω επιλέγω أختار اخترت اختار انتخاب בוחר बुनता चुनता चुनती
        leaving leaves
    """,
    "g": """
        quedo go going went lean leaning incline inclined opted opting opte vote votes voted settled gehe stimme tippe
    """,  # go with, vote for
    "p": """
        with for in from towards toward of que che że dass dat att ki hogy että că что أن कि at by out up then where
        which while when who via per through into under among within without nor para por con de del pour dans
        avec sur à mit von für zu bei auf im zur di da em com met van voor op
    """,
    "r": "rule rules ruled ruling cross crossed crossing strike struck",  # rule out
    # may stand before letters and says nothing
    "f": """
        more like mich vermutlich sans doute probablemente probabilmente provavelmente câu trả both either just
        clearly definitely probably likely most certainly obviously surely overall again indeed also exactly simply
        alone ganz klar saya होगा la las le les die der das den el los il lo gli as os het een l mein meine mis mon
        minha meu mia mio claramente clairement probablement wahrscheinlich eindeutig просто bahwa rằng
    """,
    # the same, but never behind the letter A: "A final ..." begins with an article
    "D": "the my your our its final one ones letzte endgültige",
    "&": """
        and plus und et och og ve dan và és oraz și и та και و או ו और এবং lẫn sowie
    """,
    # offers one or the other, and decides nothing
    "Z": "or oder ou eller veya atau hoặc vagy lub nebo sau ili или або أو या",
    # says what might be, or what others say
    "H": """
        could might may between thinks believes says argues picks chooses some others many people students nobody
        claims claimed said according often almost könnte dürfte zwischen manche viele pourrait certains entre podría
        algunos potrebbe alcuni poderia alguns может могут многие некоторые
    """,
    # "to": "from A to B", and the Polish "is"
    "T": "to on",
    # "only": what follows alone has the property
    "F": "only nur seul seule solo sólo só somente apenas tylko bara alleen только лишь فقط",
    # "if" in some language, and something else in another
    "S": "si se",
    "N": "en",  # "and" in Dutch, "in" elsewhere
    # the clause of a statement that holds one of these is none
    "n": """
        than over statt anstatt assume suppose explain before anything descartamos исключаются исключается not cannot
        can't isn't aren't wasn't won't don't doesn't didn't couldn't shouldn't wouldn't cant isnt dont neither never
        doubt except eliminate eliminates eliminating exclude excludes excluding discard dismiss reject rejecting
        impossible unlikely nicht kein keine keiner weder n'est pas ausschließen ausschliessen scheidet scheiden non
        não nunca geen inte ikke nie ani ne değil bukan nu не ни кроме ليس ليست אין μην δεν descarto descartar elimino
        eliminando descartando éliminer élimine исключаем исключить исключая wykluczam eliminuję
    """,
    # makes it conditional
    "Q": """
        provided if unless wenn falls jeśli czy jestli jestliže eğer jika nếu ha если якщо чи إذا אם अगर
    """,
    # leads up to the choice: "I think B", "maybe B"
    "i": """
        ربما think thinking believe guessing reckon say conclude maybe perhaps crois pense dirais denke glaube vermute
        menurut nghĩ creo pienso diría credo penso direi acho diria denk tror sądzę myślę myslím bence szerintem cred
        думаю считаю вважаю أعتقد
    """,
    # the same, and begins a clause: "so B", "but B"
    "U": """
        doch ma so therefore thus hence ergo consequently but however alors donc mais daher deshalb aber sondern sino
        pero entonces luego quindi perciò bensì então portanto mas dus maar alltså więc zatem ale lecz takže tedy yani
        ama jadi maka vậy nên tehát siis mutta deci dar значит следовательно поэтому но а отже тому але إذن لذا ولكن
        بل לכן אבל אלא इसलिए बल्कि utan men tetapi melainkan mà
    """,
    "I": "it this that",
    "Y": "you he she they",
    "J": "it's that's that'd c'est",
    # takes back what was said before
    "z": """
        edit update meant change changing changed switch switched switching wait actually rather instead correction
        sorry oops mean scratch hmm nevermind moment warte eigentlich vielmehr korrektur attends attendez plutôt enfin
        espera perdón digo mejor corrección aspetta anzi scusa espere aliás wacht vänta vent czekaj właściwie подожди
        подождите точнее стоп вернее погоди зачекай انتظر عفوا עצור tunggu khoan bekle pardon
    """,
    "b": """
        because since due given based porque pues car parce puisque weil denn perché poiché pois omdat eftersom fordi
        ponieważ bo protože çünkü karena sebab vì bởi mert koska deoarece потому поскольку бо لأن כי क्योंकि whereas
        though although
    """,
    "m": "assistant asistente assistente ai bot model gpt chatgpt claude gemini llama qwen agent ассистент помощник",
    "q": "q question user human frage pregunta domanda pergunta вопрос utilisateur benutzer usuario سؤال prompt",
    "v": "none ninguna ninguno ningún aucune aucun keines nessuna nessun nessuno nenhuma nenhum žádná hiçbiri",
    "y": """
        all every everything todas todos tutte tutti toutes tous alle alles wszystkie všechny hepsi semua все всё всі
        كل
    """,
    "e": """
        above these following anteriores précédentes oben genannten precedenti acima bovenstaande powyższych atas
        вышеперечисленного перечисленного вышеперечисленное
    """,
    # names something that letters stand for: "vitamin C", "plan B"
    "V": """
        mr mrs ms dr prof vitamin vitamins vitamine vitamina vitamín витамин plan hepatitis type grade class section
        figure fig appendix group team gate row exhibit level size point line room block building zone terminal
        platform series version part chapter table phase route bus channel column category unit state step player
        person side angle vertex bâtiment gruppe abbildung punkt figura grupo clase note
    """,
}

GLUED: dict[str, str] = {
    "a": """
        適切 올바른 ตอบ 最符合 答案 解答 回答 答え 答 正解 正确答案 正確答案 正确选项 正確選項 正确的 正確的 正确的有
        正しい 정답 답변 답 옳은 คำตอบ
    """,
    "F": "只有",
    "Z": "或 或者 หรือ または 还是",
    "k": """
        だと思います だと思う と思います と考えます 符合题意 符合 合适 最合适 正确 正確 对 對 是的 はい 맞다 맞습니다
        맞아요 맞음 맞 참 ถูกต้อง ถูก 才对
    """,
    "x": "错误 錯誤 错 錯 不对 不對 不正确 不正確 否 不正解 間違い いいえ 誤り 틀림 틀렸 틀립 거짓 오답 아니요 ผิด",
    "P": "옵션 选项 選項 選択肢 보기 선택지 ตัวเลือก ข้อ",
    "s": "選択 선택",
    "c": "を 를 을 係 应该是 應該是 应当是 应为 應為 应是 是 为 為 は が 은 는 이 가 คือ 就是",
    "h": """
        选择 選擇 選択します 选 選 我选择 我選擇 我选 我選 应选 應選 应选择 選びます 選ぶ 고르겠 선택합니다 선택하겠
        เลือก 剩下
    """,
    "Q": "如果 假如 もし 만약",
    "H": "很多人 许多人 有人",
    # "not ..., but", behind what it negates
    "~": "아니라 아니고 ではなく じゃなく",
    "n": "假设 아닙 ではあり 不 非 没 沒 不选 不選 不选择 排除 不是 아니 아닌 않 ではな じゃな ไม่",
    "&": "和 与 與 及 以及 还有 跟 と や 및 와 과 และ",
    "U": "其实 其實 因此 所以 故 だから よって したがって 그러므로 따라서 그래서 ดังนั้น 但 但是 而是 而",
    "i": "おそらく 多分 아마 也许 可能是 คิดว่า 我认为 我認為 我觉得",
    "b": "因为 因為 由于 由於 なぜなら 왜냐하면 때문 เพราะ",
    "z": "等等 更正 いや 抱歉 잠깐",
    "f": """
        两项 两个 三项 三个 均 的 最终 最後 最后 本题 题 項 项 です だ である でしょう 입니다 이다 番 번 ครับ ค่ะ 该 此
        点
    """,
    "q": "问题 問題 问 問 질문",
    "e": "以上 上述 上記",
    "y": "都 全部 皆 全て すべて 모두 ทั้งหมด 所有",
    "v": "都不 なし 없음",
}
"""Words of scripts written without spaces, where they are found anywhere."""
