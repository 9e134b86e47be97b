"""What changed and when, and who is told: by topic and subject, in bounded memory. Knows no neighbour and no connection.

Nothing is kept but names and times. A page that was rendered at a moment is told what changed since then, so nothing is
lost between its rendering and its stream, or while a stream was broken.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, final

from watchword.entrypoints.console.live.change_viewer import ChangeViewer
from watchword.entrypoints.console.live.topics import TOPICS, Topic

#: Subjects of one topic whose last change is remembered.
SUBJECTS_MAX: Final = 2_000


@final
class Bulletin:
    """One for each console."""

    def __init__(self, now_us: int) -> None:
        """Begin with nothing.

        Args:
            now_us: Epoch microseconds: what changed before is not known.
        """
        self._changed_us: dict[Topic, OrderedDict[str, int]] = {topic: OrderedDict() for topic in TOPICS}
        #: Changes before this moment may be forgotten.
        self._known_us: dict[Topic, int] = dict.fromkeys(TOPICS, now_us)
        self._viewers: dict[ChangeViewer, None] = {}

    @property
    def viewers(self) -> tuple[ChangeViewer, ...]:
        """Who looks on."""
        return tuple(self._viewers)

    def publish(self, topic: Topic, subjects: Iterable[str], now_us: int) -> None:
        """Note that something changed, and tell whoever shows it and may know.

        Args:
            topic: Of what kind.
            subjects: What.
            now_us: Epoch microseconds.
        """
        changed = self._changed_us[topic]
        for subject in subjects:
            changed.pop(subject, None)
            changed[subject] = now_us
            if len(changed) > SUBJECTS_MAX:
                _, self._known_us[topic] = changed.popitem(last=False)
            for viewer in self._viewers:
                viewer.note(topic, subject)

    def publish_all(self, topic: Topic, now_us: int) -> None:
        """Note that anything of a topic may have changed: it was not looked at for a while.

        Args:
            topic: Of what kind.
            now_us: Epoch microseconds.
        """
        self._changed_us[topic].clear()
        self._known_us[topic] = now_us
        for viewer in self._viewers:
            viewer.note_all(topic)

    def tell_person(self, person_id: str, topic: Topic) -> None:
        """Tell one person that a whole list of theirs may have changed: something was given to them or taken back."""
        for viewer in self._viewers:
            if viewer.person_id == person_id:
                viewer.note_all(topic)

    def join(self, viewer: ChangeViewer, since_us: int) -> None:
        """Tell a viewer from now on, and what changed since its page was rendered.

        Args:
            viewer: Who.
            since_us: Epoch microseconds.
        """
        self._viewers[viewer] = None
        for topic in viewer.topics:
            if since_us < self._known_us[topic]:
                viewer.note_all(topic)
                continue
            for subject, at_us in reversed(self._changed_us[topic].items()):
                if at_us < since_us:
                    break
                viewer.note(topic, subject)

    def leave(self, viewer: ChangeViewer) -> None:
        """Tell a viewer no more."""
        self._viewers.pop(viewer, None)

    def drop_all(self) -> None:
        """End every viewer."""
        for viewer in self._viewers:
            viewer.drop()
