"""A grammar of what people say to a voice assistant: about 300 words. Knows sentences; does not know speech.

Text is lower case a–z, apostrophe and space, numbers spelled out. A `{slot}` becomes one of its lines.
"""

import hashlib
import re
from collections.abc import Iterator

import numpy as np

_SLOT = re.compile(r"\{(\w+)\}")

_GRAMMAR: dict[str, str] = {
    "command": """
        {timer}
        {alarm}
        {light}
        {heat}
        {music}
        {weather}
        {call}
        {list}
        {calendar}
        {question}
        {weather}
        {calendar}
        {question}
        {calendar}
        {question}
        {timer} {please}
        {light} {please}
        {music} {please}
        {call} {please}
        {polite} {light}
        {polite} {timer}
        {polite} {call}
        {polite} {heat}
        {polite} {music}
    """,
    "please": "please / right now / when i get home / in {small} minutes / before dinner",
    "polite": "please / can you / could you / would you please / i want you to",
    "timer": """
        set a timer for {small} {unit}
        set a {tens} minute timer for the {food}
        start a {food} timer for {number} {unit}
        add {number} {unit} to the timer
        cancel the {number} minute timer
        stop the timer in the {room}
        pause the {food} timer
        remind me in {number} {unit} to {chore}
    """,
    "alarm": """
        wake me up at {time}
        wake me up at {time} on {day}
        set an alarm for {time} every {day}
        set an alarm for {time} tomorrow morning
        cancel my alarm for {time}
        change my {time} alarm to {time}
        turn off all alarms on {day}
        snooze the alarm for {small} minutes
    """,
    "light": """
        turn on the {room} lights
        turn off the {device} in the {room}
        switch the {device} in the {room} on
        switch off everything in the {room}
        set the {room} lights to {tens} percent
        dim the {room} lights to {tens} percent
        make the {room} lights {colour}
        open the {room} {cover}
        close the {cover} in the {room}
        lock the {door} door
    """,
    "heat": """
        set the thermostat to {tens} {digit} degrees
        set the {room} temperature to {tens} degrees at {time}
        make it {small} degrees {warmth} in the {room}
        turn the heating up by {digit} degrees
        turn the heating down in the {room}
    """,
    "music": """
        play some {genre} music
        play {genre} music in the {room}
        play the {next} {piece} by {artist}
        play my {genre} playlist
        turn the volume up to {number}
        turn down the music in the {room}
        skip the {next} {small} songs
        shuffle the {genre} playlist from {artist}
        pause the {piece} in the {room}
    """,
    "weather": """
        what is the weather like in {city} {when}
        will it {fall} in {city} {when}
        will it be {sky} {when}
        how {sky} is it in {city}
        is it going to {fall} on {day}
        do i need {cloth} {when}
        what time is sunset in {city}
        what's the forecast for {city} on {day}
    """,
    "call": """
        call {name}
        call {name} at {place}
        send a message to {name} and {name}
        tell {name} that i'm {late}
        text {name} i'll be there at {time}
        read my messages from {name}
        call the {shop} on {street} street
        answer the call from {name}
    """,
    "list": """
        add {item} to the shopping list
        add {item} and {item} to my shopping list
        add {small} bottles of {item} to the list
        remove {item} from the shopping list
        do we have {item} on the list
        put {chore} on my list for {day}
        order {number} {item} from the {shop}
    """,
    "calendar": """
        schedule a meeting with {name} on {date}
        move my {event} with {name} to {time}
        cancel my {event} on {day}
        remind me about the {event} on {date}
        book a table for {digit} at {time}
        add a {event} with {name} on {day} at {time}
    """,
    "question": """
        what time is it in {city}
        how long does it take to drive to {city}
        what is {number} plus {number}
        what is {number} times {digit}
        how many days until {date}
        find the nearest {shop} in {city}
        when is the next train to {city}
        what is on my calendar for {date}
        did {name} call me {past}
        what is the name of the {next} {piece} by {artist}
        what is the temperature in the {room}
        did i leave the {device} on
        is the {door} door locked on {day}
        how much time is left on the {number} minute timer
        what day is {date}
        how far is {city} from {city}
    """,
    "digit": "two / three / four / five / six / seven / eight / nine",
    "small": "{digit} / ten / eleven / twelve / fifteen / twenty",
    "teen": """ten / eleven / twelve / thirteen / fourteen / fifteen / sixteen / seventeen / eighteen
        / nineteen""",
    "tens": "twenty / thirty / forty / fifty / sixty / seventy / eighty / ninety",
    "number": """{digit} / {teen} / {teen} / {tens} / {tens} {digit} / {tens} {digit} / one / zero
        / one hundred / {digit} hundred and {tens}""",
    "unit": "seconds / minutes / hours",
    "hour": "one / {digit} / ten / eleven / twelve",
    "time": """{hour} o'clock / {hour} thirty / {hour} fifteen / half past {hour} / quarter to {hour}
        / {hour} {tens} in the morning / {hour} in the evening / noon / midnight
        / {small} minutes past {hour}""",
    "day": "monday / tuesday / wednesday / thursday / friday / saturday / sunday / {dayname}",
    "dayname": "the weekend / new year",
    "ordinal": """first / second / third / fourth / fifth / sixth / seventh / eighth / ninth / tenth
        / eleventh / twelfth / thirteenth / twentieth / thirtieth / twenty first / twenty second
        / twenty third / twenty fourth / twenty fifth""",
    "month": """january / february / march / april / may / june / july / august / september / october
        / november / december""",
    "date": "the {ordinal} of {month} / {month} the {ordinal} / {month} {ordinal}",
    "when": "today / tonight / tomorrow / tomorrow night / this afternoon / on {day} / next week",
    "past": "today / yesterday / last night / this morning / on {day}",
    "room": """kitchen / bedroom / bathroom / living room / dining room / garage / garden / office
        / hallway""",
    "device": "lights / lamp / fan / television / radio / oven / coffee machine",
    "cover": "window / curtains / door",
    "door": "front / back / garage / garden",
    "colour": "red / green / blue / yellow / white / brighter / {warmth}",
    "warmth": "warmer / cooler",
    "genre": "jazz / rock / classical / relaxing",
    "piece": "song / album",
    "next": "next / last / first / new",
    "artist": "the beatles / mozart / queen",
    "fall": "rain / snow",
    "sky": "cold / warm / sunny / cloudy / windy / wet",
    "cloth": "an umbrella / a jacket",
    "city": """london / paris / boston / chicago / berlin / tokyo / new york""",
    "name": """alice / robert / michael / susan / david / emma / george / helen / peter / laura / maria
        / mom / dad / doctor brown""",
    "place": "home / work / the office",
    "late": "running late / on my way / at the {shop}",
    "street": "main / park / {city}",
    "shop": "bakery / pharmacy / bank / station / restaurant",
    "food": "pizza / pasta / bread",
    "item": """milk / bread / eggs / butter / cheese / apples / coffee / sugar / water""",
    "chore": """walk the dog / feed the cat / water the plants / clean the {room} / call {name}
        / buy {item}""",
    "event": "meeting / dentist appointment / lunch / dinner",
}


def _choices(rule: str) -> tuple[str, ...]:
    """The alternatives of a rule: one a line, or separated by slashes."""
    lines = rule.split("/") if "/" in rule else rule.strip().split("\n")
    return tuple(" ".join(line.split()) for line in lines)


_RULES = {name: _choices(rule) for name, rule in _GRAMMAR.items()}


def words() -> list[str]:
    """Every word the grammar can say, in alphabetical order."""
    text = " ".join(choice for choices in _RULES.values() for choice in choices)
    return sorted(set(_SLOT.sub(" ", text).split()))


def fingerprint() -> str:
    """A short name for this state of the grammar, to see that it changed."""
    return hashlib.sha256(repr(_RULES).encode()).hexdigest()[:16]


def sentence(random: np.random.Generator) -> str:
    """One command drawn from the grammar."""
    return _expand("command", random)


def sentences(random: np.random.Generator) -> Iterator[str]:
    """Commands without end, no two alike."""
    seen: set[str] = set()
    while True:
        text = sentence(random)
        if text not in seen:
            seen.add(text)
            yield text


def _expand(slot: str, random: np.random.Generator) -> str:
    choices = _RULES[slot]
    choice = choices[int(random.integers(len(choices)))]
    return _SLOT.sub(lambda match: _expand(match[1], random), choice)
