import pytest

from bot.settings import Settings
from corpus.errors import SettingsError


@pytest.fixture
def toml(tmp_path):
    def write(text):
        file = tmp_path / "observer.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_without_a_file_the_defaults_hold(tmp_path):
    assert Settings.load(tmp_path / "observer.toml") == Settings()


def test_a_file_changes_the_defaults_and_a_flag_changes_the_file(toml):
    settings = Settings.load(toml("threshold = 0.4\nn_passages = 5\n"), threshold=0.9, encoder=None)
    assert (settings.threshold, settings.n_passages) == (0.9, 5)
    assert settings.encoder == Settings().encoder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold = 0.4", "observer.toml: unknown setting 'treshold'; did you mean 'threshold'"),
        ("zzz = 1", "observer.toml: unknown setting 'zzz'; known are encoder"),
        ("threshold = 1.5", "observer.toml: threshold must be between 0 and 1, got 1.5"),
        ("threshold = true", "observer.toml: threshold must be between 0 and 1, got True"),
        ("n_passages = 0", "observer.toml: n_passages must be a whole number of at least 1, got 0"),
        ("n_passages = '5'", "observer.toml: n_passages must be a whole number"),
        ("encoder = 3", "observer.toml: encoder must be a model's name or folder, got 3"),
        ("reader = ''", "observer.toml: reader must be a model's name or folder, got ''"),
        ("calibration = 3", "observer.toml: calibration must be a file, got 3"),
        ("threshold = ", "observer.toml: is no valid TOML"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_that_names_the_file(toml, text, message):
    with pytest.raises(SettingsError, match=message) as caught:
        Settings.load(toml(text))
    assert "\n" not in str(caught.value)
