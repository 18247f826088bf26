; Installer for Windows, made by `cargo xtask dist`, which defines OUTPUT, VERSION, KIBIBYTES (size of the files),
; SOURCE (this checkout) and LISTS (folder of the lists of files that it writes).
;
; /S installs and uninstalls without asking; /D=FOLDER, as the last option, names another folder.

; The installer itself is a 64-bit program where NSIS has that form, as Debian's has.
!ifdef STUB64
  Target amd64-unicode
!else
  Unicode true
!endif
SetCompressor /SOLID lzma
Name "Residue"
OutFile "${OUTPUT}"
RequestExecutionLevel admin
InstallDir "$PROGRAMFILES64\Residue"
; A newer version goes where the older one is.
InstallDirRegKey HKLM "Software\Residue" "Folder"
ShowInstDetails nevershow
ShowUninstDetails nevershow
; A file in use ends the installation: half of a new version beside half of an old one would run neither.
AllowSkipFiles off

VIProductVersion "${VERSION}.0"
VIFileVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "Residue"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Residue installer"
VIAddVersionKey "CompanyName" "Residue"
VIAddVersionKey "LegalCopyright" "MIT or Apache-2.0"

!include "MUI2.nsh"
!include "x64.nsh"
!include "WinVer.nsh"
!include "FileFunc.nsh"

!define MUI_ICON "${SOURCE}/assets/icon\residue.ico"
!define MUI_UNICON "${SOURCE}/assets/icon\residue.ico"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN "$INSTDIR\residue.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Open Residue"
!insertmacro MUI_PAGE_LICENSE "${SOURCE}/LICENSE-MIT"
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Residue"
!define CLASSES "Software\Classes"

; An exit code beside the message: installations by other programs see no message.
!macro Refuse TEXT CODE
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend

!macro CheckSystem
  ${IfNot} ${RunningX64}
    !insertmacro Refuse "Residue needs a 64-bit Windows, and this one has 32 bits." 3
  ${EndIf}
  ${IfNot} ${AtLeastWin10}
    !insertmacro Refuse "Residue needs Windows 10 or newer." 3
  ${EndIf}
  SetRegView 64
  SetShellVarContext all
!macroend

!macro CheckNotRunning
  ${If} ${FileExists} "$INSTDIR\residue.exe"
    ClearErrors
    FileOpen $0 "$INSTDIR\residue.exe" a
    ${If} ${Errors}
      !insertmacro Refuse "Residue is open: close it, and start this again. Nothing was changed." 4
    ${EndIf}
    FileClose $0
  ${EndIf}
!macroend

; A type is another program's too where its key holds anything. `/ifempty` looks for keys only in older NSIS.
!macro DeleteEmptyKey KEY
  ClearErrors
  EnumRegValue $0 HKLM "${KEY}" 0
  ReadRegStr $1 HKLM "${KEY}" ""
  ${If} "$0$1" == ""
    DeleteRegKey /ifempty HKLM "${KEY}"
  ${EndIf}
!macroend

Function .onInit
  !insertmacro CheckSystem
  !insertmacro CheckNotRunning
FunctionEnd

Function un.onInit
  !insertmacro CheckSystem
  !insertmacro CheckNotRunning
FunctionEnd

Section "Residue" Program
  SectionIn RO
  SetOutPath "$INSTDIR"
  !include "${LISTS}/program.nsh"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\Residue.lnk" "$INSTDIR\residue.exe"
  WriteRegStr HKLM "Software\Residue" "Folder" "$INSTDIR"

  WriteRegStr HKLM "${UNINSTALL}" "DisplayName" "Residue"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayIcon" "$INSTDIR\residue.exe"
  WriteRegStr HKLM "${UNINSTALL}" "Publisher" "Residue"
  WriteRegStr HKLM "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL}" "EstimatedSize" ${KIBIBYTES}
  WriteRegDWORD HKLM "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKLM "${UNINSTALL}" "NoRepair" 1
SectionEnd

Section "Plugins (CLAP and VST3)" Plugins
  !include "${LISTS}/plugins.nsh"
SectionEnd

; Residue is offered for these files under "Open with", and no other program loses them.
Section "File types" FileTypes
  WriteRegStr HKLM "${CLASSES}\Residue.Audio" "" "Audio"
  WriteRegStr HKLM "${CLASSES}\Residue.Audio\DefaultIcon" "" "$INSTDIR\residue.exe,0"
  WriteRegStr HKLM "${CLASSES}\Residue.Audio\shell\open\command" "" '"$INSTDIR\residue.exe" "%1"'
  WriteRegStr HKLM "${CLASSES}\Residue.Codes" "" "Codes of a neural audio codec (NumPy array)"
  WriteRegStr HKLM "${CLASSES}\Residue.Codes\DefaultIcon" "" "$INSTDIR\residue.exe,0"
  WriteRegStr HKLM "${CLASSES}\Residue.Codes\shell\open\command" "" '"$INSTDIR\residue.exe" "%1"'
  WriteRegStr HKLM "${CLASSES}\Applications\residue.exe\shell\open\command" "" '"$INSTDIR\residue.exe" "%1"'
  WriteRegStr HKLM "${CLASSES}\Applications\residue.exe" "FriendlyAppName" "Residue"
  !include "${LISTS}/types.nsh"
  ${RefreshShellIcons}
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${Program} "The app and the command line."
  !insertmacro MUI_DESCRIPTION_TEXT ${Plugins} "For all hosts on this computer, in Common Files."
  !insertmacro MUI_DESCRIPTION_TEXT ${FileTypes} "Offers Residue under $\"Open with$\" for audio and codes."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

; Settings, models and recordings are the user's and stay.
Section "Uninstall"
  !include "${LISTS}/uninstall.nsh"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Residue.lnk"
  DeleteRegKey HKLM "${UNINSTALL}"
  DeleteRegKey HKLM "Software\Residue"
  DeleteRegKey HKLM "${CLASSES}\Residue.Audio"
  DeleteRegKey HKLM "${CLASSES}\Residue.Codes"
  DeleteRegKey HKLM "${CLASSES}\Applications\residue.exe"
  ${RefreshShellIcons}
SectionEnd
