"""The work with SQLAlchemy's ORM, on the tables as they are; a session for each call, as in a web server."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm

from .clinic import COLUMNS, FILE, SETTINGS

NAME = f"SQLAlchemy {sa.__version__}"


class Base(orm.DeclarativeBase):
    """The tables."""


class User(Base):
    """A row of `users`."""

    __tablename__ = "users"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    username: orm.Mapped[str]


class Patient(Base):
    """A row of `patients`."""

    __tablename__ = "patients"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    user_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("users.id"))
    full_name: orm.Mapped[str]
    user: orm.Mapped[User] = orm.relationship()
    xrays: orm.Mapped[list[Xray]] = orm.relationship(back_populates="patient")


class Xray(Base):
    """A row of `xrays`."""

    __tablename__ = "xrays"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    patient_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("patients.id"))
    sha256: orm.Mapped[str]
    patient: orm.Mapped[Patient] = orm.relationship(back_populates="xrays")
    predictions: orm.Mapped[list[Prediction]] = orm.relationship(back_populates="xray")


class Prediction(Base):
    """A row of `predictions`."""

    __tablename__ = "predictions"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    xray_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("xrays.id"))
    status: orm.Mapped[str]
    diagnosis: orm.Mapped[str]
    confidence: orm.Mapped[float]
    created_at: orm.Mapped[int]
    updated_at: orm.Mapped[int]
    is_deleted: orm.Mapped[int]
    deleted_at: orm.Mapped[int | None]
    deleted_by: orm.Mapped[int | None]
    xray: orm.Mapped[Xray] = orm.relationship(back_populates="predictions")


def plain(record: Base) -> tuple[Any, ...]:
    """What is stored of a record."""
    return tuple(getattr(record, name) for name in COLUMNS[record.__tablename__])


class Peer:
    """An engine of its own. Results are mapped objects; statements are built anew and known to its cache."""

    def __init__(self) -> None:
        # The driver's own transactions are off, so that a read is begun and ended by nobody, as elsewhere.
        self._engine = sa.create_engine(f"sqlite:///{FILE}", isolation_level="AUTOCOMMIT")

        @event.listens_for(self._engine, "connect")
        def set_up(connection: Any, _record: Any) -> None:
            for setting in SETTINGS:
                connection.execute(setting)

    def get(self, key: int) -> Prediction:
        """A prediction that is not deleted."""
        with orm.Session(self._engine) as session:
            return session.scalars(
                sa.select(Prediction).where(Prediction.id == key, Prediction.is_deleted == 0)
            ).one()

    def page(self) -> list[Prediction]:
        """The newest 25 completed predictions with image, patient and user."""
        across = (
            orm.joinedload(Prediction.xray, innerjoin=True)
            .joinedload(Xray.patient, innerjoin=True)
            .joinedload(Patient.user, innerjoin=True)
        )
        with orm.Session(self._engine) as session:
            return list(session.scalars(self._newest().options(across).limit(25)))

    def page_values(self) -> list[Any]:
        """The page as tuples."""
        columns = [*Prediction.__table__.c, *Xray.__table__.c, *Patient.__table__.c, *User.__table__.c]
        statement = (
            sa.select(*columns)
            .select_from(Prediction)
            .join(Prediction.xray)
            .join(Xray.patient)
            .join(Patient.user)
            .where(Prediction.status == "completed", Prediction.is_deleted == 0)
            .order_by(Prediction.created_at.desc(), Prediction.id.desc())
            .limit(25)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(statement).all())

    def prefetch(self) -> list[Patient]:
        """100 patients with their images and these with their predictions."""
        below = orm.selectinload(Patient.xrays).selectinload(
            Xray.predictions.and_(Prediction.is_deleted == 0)
        )
        with orm.Session(self._engine) as session:
            return list(session.scalars(sa.select(Patient).where(Patient.id <= 100).options(below)))

    def stream(self) -> None:
        """All predictions, one by one."""
        with orm.Session(self._engine) as session:
            for _ in session.scalars(sa.select(Prediction).execution_options(yield_per=2000)):
                pass

    def stream_values(self) -> None:
        """All predictions as tuples, one by one."""
        with self._engine.connect() as connection:
            for _ in connection.execution_options(yield_per=2000).execute(sa.select(Prediction.__table__)):
                pass

    def insert(self, rows: list[tuple[Any, ...]]) -> None:
        """Rows in one transaction, by the bulk form of the ORM."""
        names = COLUMNS["predictions"][1:8]
        with self._engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            with orm.Session(connection) as session:
                session.execute(sa.insert(Prediction), [dict(zip(names, row, strict=True)) for row in rows])
                session.commit()
            connection.commit()

    def statements(self, work: Any) -> list[tuple[str, Any]]:
        """The SQL, with its values, that a call sends."""
        sent: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, sql: str, params: Any, _context: Any, _many: bool) -> None:
            sent.append((sql, params))

        event.listen(self._engine, "before_cursor_execute", note)
        try:
            work()
        finally:
            event.remove(self._engine, "before_cursor_execute", note)
        return sent

    @staticmethod
    def _newest() -> sa.Select[tuple[Prediction]]:
        return (
            sa.select(Prediction)
            .where(Prediction.status == "completed", Prediction.is_deleted == 0)
            .order_by(Prediction.created_at.desc(), Prediction.id.desc())
        )
